/**
 * Several hosts on this machine: network namespaces with an address and a name of their own, joined by veth pairs at a
 * switch. They share the file system, as the nodes of a cluster share theirs.
 */

import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryFolder } from "../data/make-shard";

export interface Hosts {
  readonly addresses: readonly string[];
  readonly subnet: string;
  /** A program that starts a command on a host, called as ssh is: address, then words for its shell. */
  readonly agent: string;
  /** What a command starts with so that it runs on a host. */
  on(host: number): string[];
  /** Takes a host off the network, or puts it back and waits until others reach it. */
  setLink(host: number, state: "up" | "down"): void;
}

/** Why namespaces cannot be made here; false where they can. */
export function whyNoHosts(): string | false {
  const name = `astprobe${process.pid}`;
  const made = ip("netns", "add", name);
  if (made !== null) return `network namespaces are not allowed here (${made})`;
  const joined = ip(
    "link",
    "add",
    `${name.slice(-8)}a`,
    "netns",
    name,
    "type",
    "veth",
    "peer",
    "name",
    `${name.slice(-8)}b`,
    "netns",
    name,
  );
  ip("netns", "del", name);
  return joined === null ? false : `veth pairs are not allowed here (${joined})`;
}

/** Makes hosts named host1, host2, ... ; they are gone after the test. */
export function makeHosts(t: TestContext, count: number): Hosts {
  const prefix = `ast${process.pid}n`;
  const third = process.pid % 250;
  const subnet = `10.77.${third}`;
  const names = Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
  const hub = `${prefix}hub`;
  t.after(() => {
    for (const name of [...names, hub]) ip("netns", "del", name);
  });
  must("netns", "add", hub);
  must("-n", hub, "link", "add", "switch", "type", "bridge");
  must("-n", hub, "link", "set", "switch", "up");
  names.forEach((name, index) => {
    must("netns", "add", name);
    must("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", `port${index + 1}`, "netns", hub);
    must("-n", hub, "link", "set", `port${index + 1}`, "master", "switch");
    must("-n", hub, "link", "set", `port${index + 1}`, "up");
    must("-n", name, "addr", "add", `${subnet}.${index + 1}/24`, "dev", "eth0");
    must("-n", name, "link", "set", "eth0", "up");
    must("-n", name, "link", "set", "lo", "up");
  });
  const agent = join(temporaryFolder(t), "start-on");
  writeFileSync(
    agent,
    `#!/bin/sh\n` +
      `while [ "\${1#-}" != "$1" ]; do shift; done\n` +
      `number=\${1##*.}; shift\n` +
      `exec ip netns exec "${prefix}$number" unshare --uts sh -c 'hostname "$0"; exec sh -c "$1"' "host$number" "$*"\n`,
  );
  chmodSync(agent, 0o755);
  return {
    addresses: names.map((_, index) => `${subnet}.${index + 1}`),
    subnet: `${subnet}.0/24`,
    agent,
    on: (host) => [
      ...["ip", "netns", "exec", names[host]!, "unshare", "--uts", "sh", "-c"],
      ...['hostname "$0"; exec "$@"', `host${host + 1}`],
    ],
    setLink: (host, state) => {
      must("-n", hub, "link", "set", `port${host + 1}`, state);
      if (state === "up") awaitAnswer(names[(host + 1) % count]!, `${subnet}.${host + 1}`);
    },
  };
}

/** Waits until a host answers another one, if only by refusing a connection: the switch takes a moment to know it again. */
function awaitAnswer(from: string, address: string): void {
  for (let attempt = 0; attempt < 50; attempt++) {
    const connect = ["timeout", "1", "bash", "-c", `echo > /dev/tcp/${address}/9`];
    const { stderr } = spawnSync("ip", ["netns", "exec", from, ...connect], { encoding: "utf8" });
    if (stderr.includes("refused")) return;
    spawnSync("sleep", ["0.2"]);
  }
  throw new Error(`The host at ${address} does not answer ${from} again`);
}

function must(...args: string[]): void {
  const failure = ip(...args);
  if (failure !== null) throw new Error(`ip ${args.join(" ")}: ${failure}`);
}

/** Runs iproute2's `ip`. @returns what went wrong, or null. */
function ip(...args: string[]): string | null {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (error) return "iproute2 is not installed";
  return status === 0 ? null : stderr.trim();
}
