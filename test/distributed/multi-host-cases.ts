/** Ranks on three hosts, which are network namespaces: the same result, and no hang when one is cut off. */

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { loadCheckpointFile } from "../../src/checkpoint";
import type { Implementation } from "../../src/distributed/addon";
import { train } from "../../src/train/loop";
import { temporaryFolder } from "../data/make-shard";
import { tinyConfig, writeTinyData } from "../train/tiny-run";
import { resultOf } from "./failure-cases";
import { type Hosts, makeHosts, whyNoHosts } from "./hosts";
import { assertGone, type Ended, findMpi, launchRanks } from "./launch-ranks";
import type { TrainRankArgument } from "./ranks/train-rank";

const SPEC = { num_epochs: 3, num_batchsize: 5, dropout: 0.2 };

export function testHosts(implementation: Implementation): void {
  const { mpirun, skip: noMpi } = findMpi(implementation);
  const skip = noMpi || whyNoHosts();

  const flagsOf: Record<Implementation, (hosts: Hosts, places: string) => string[]> = {
    openmpi: (hosts, places) => [
      ...[
        "--host",
        places,
        "--mca",
        "plm_rsh_agent",
        hosts.agent,
        "--mca",
        "pml",
        "ob1",
        "--mca",
        "btl",
        "self,vader,tcp",
      ],
      ...["--mca", "btl_tcp_if_include", hosts.subnet, "--mca", "oob_tcp_if_include", hosts.subnet],
    ],
    mpich: (hosts, places) => ["-hosts", places, "-launcher", "ssh", "-launcher-exec", hosts.agent, "-iface", "eth0"],
  };

  /** Two ranks on the first host, one on each other. */
  const onHosts = (
    hosts: Hosts,
    argument: TrainRankArgument,
    onStarted?: (pid: number, ranks: readonly number[]) => void,
  ): Promise<Ended> =>
    launchRanks(mpirun!, {
      ranks: 4,
      script: "train-rank.ts",
      argument,
      prefix: hosts.on(0),
      mpirunFlags: flagsOf[implementation](
        hosts,
        hosts.addresses.map((address, index) => `${address}:${index === 0 ? 2 : 1}`).join(","),
      ),
      env: { ASTEROLAB_SILENCE_SECONDS: "4" },
      ...(onStarted && { onStarted }),
    });

  test(`${implementation}: four ranks on three hosts give the losses of one`, { skip }, async (t) => {
    const hosts = makeHosts(t, 3);
    const data = writeTinyData(temporaryFolder(t), { shards: 3, rows: 9 });
    const losses: number[] = [];
    await train(tinyConfig(data, { engine: "native", threads: 1, ...SPEC }), {
      path: temporaryFolder(t),
      restore: false,
      onEvent: (event) => event.kind === "train" && losses.push(event.loss),
    });
    for (const deterministic of [false, true]) {
      const ended = await onHosts(hosts, { data, path: temporaryFolder(t), spec: { ...SPEC, deterministic } });
      assert.equal(ended.code, 0, ended.stderr);
      resultOf(ended).losses.forEach((loss, index) => {
        assert.ok(
          Math.abs(loss / losses[index]! - 1) <= 1e-5,
          `loss ${loss} of step ${index + 1}, expected ${losses[index]}`,
        );
      });
      assert.equal(resultOf(ended).losses.length, losses.length);
    }
  });

  test(`${implementation}: a host that is cut off ends the job everywhere, and the run goes on later`, {
    skip,
  }, async (t) => {
    const hosts = makeHosts(t, 3);
    const data = writeTinyData(temporaryFolder(t), { shards: 3, rows: 9 });
    const path = temporaryFolder(t);
    const spec = { ...SPEC, num_epochs: 100_000, checkpoint_every_steps: 2 };
    let cutAt = 0;
    const ended = await onHosts(hosts, { data, path, spec, stepMs: 20 }, () => {
      setTimeout(() => {
        cutAt = performance.now();
        hosts.setLink(2, "down");
      }, 4000);
    });
    const seconds = (performance.now() - cutAt) / 1000;
    assert.notEqual(ended.code, 0);
    assert.ok(cutAt > 0 && seconds < 30, `the job ended ${seconds} s after the cut`);
    assert.match(
      ended.stderr,
      /rank 3 on host3 \(process \d+\) is silent for 4 s: it was stopped, or its machine or network is gone/,
    );
    await assertGone(ended.pids);
    hosts.setLink(2, "up");
    const { state } = await loadCheckpointFile(join(path, "checkpoint.pth"));
    const again = await onHosts(hosts, { data, path, restore: true, spec: { ...spec, num_epochs: state!.epoch + 1 } });
    assert.equal(again.code, 0, again.stderr);
    assert.equal(resultOf(again).epoch, state!.epoch + 1);
  });
}
