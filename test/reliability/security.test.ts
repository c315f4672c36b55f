/** What others on the machine, and files from others, can reach: nothing that is not named here. */

import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import test from "node:test";
import { maybeReadManifest } from "../../src/data/manifest";
import { createConnectionFile } from "../../src/notebook/connection";
import { Kernel } from "../../src/notebook/kernel";
import { findKernelSpec } from "../../src/notebook/kernelspecs";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../data/make-shard";
import { FIXTURES } from "../notebook/notebook-builder";

test("a connection file is its owner's alone, and each has a key of its own", async (t) => {
  process.env.JUPYTER_RUNTIME_DIR = temporaryFolder(t);
  const files = await Promise.all([createConnectionFile("a"), createConnectionFile("a")]);
  delete process.env.JUPYTER_RUNTIME_DIR;
  for (const { path, info } of files) {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(info.ip, "127.0.0.1");
    assert.match(info.key, /^[0-9a-f]{64}$/);
    assert.equal(info.signature_scheme, "hmac-sha256");
  }
  assert.notEqual(files[0]!.info.key, files[1]!.info.key);
});

test("where Jupyter's folder cannot be made, a connection file goes into a temporary one that is the user's own", {
  skip: process.getuid === undefined && "there are no owners here",
}, async (t) => {
  const before = { TMPDIR: process.env.TMPDIR, JUPYTER_RUNTIME_DIR: process.env.JUPYTER_RUNTIME_DIR };
  t.after(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "file"), "");
  Object.assign(process.env, { TMPDIR: folder, JUPYTER_RUNTIME_DIR: join(folder, "file", "runtime") });
  const { path } = await createConnectionFile("a");
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
  chmodSync(dirname(path), 0o777); // as somebody else might have made it before
  await assert.rejects(createConnectionFile("a"), {
    name: "NotebookError",
    message: `Cannot keep the kernel's key in "${dirname(path)}": others may write there; name a folder in JUPYTER_RUNTIME_DIR`,
  });
});

test("a kernel listens on the loopback interface only, and its connection file goes when it ends", {
  skip: process.platform === "linux" ? false : "no /proc/net",
}, async (t) => {
  process.env.JUPYTER_PATH = FIXTURES;
  const runtime = temporaryFolder(t);
  process.env.JUPYTER_RUNTIME_DIR = runtime;
  const kernel = await Kernel.start(findKernelSpec("scripted"), {
    cwd: runtime,
    startTimeoutMs: 30_000,
    onOutput: () => {},
  });
  const [file] = readdirSync(runtime);
  const info = JSON.parse(readFileSync(join(runtime, file!), "utf8"));
  const ports = ["shell", "control", "iopub", "stdin", "hb"].map((name) => info[`${name}_port`] as number);
  const listening = ["tcp", "tcp6"].flatMap((table) => listeningOf(table)).filter(({ port }) => ports.includes(port));
  await kernel.stop();
  delete process.env.JUPYTER_PATH;
  delete process.env.JUPYTER_RUNTIME_DIR;
  assert.ok(listening.length >= 3, "the kernel's sockets were found");
  // 127.0.0.1 in the kernel's byte order.
  assert.deepEqual([...new Set(listening.map(({ address }) => address))], ["0100007F"]);
  assert.deepEqual(readdirSync(runtime), []);
});

for (const file of [
  "../data_000.npy",
  "/etc/data_000.npy",
  "sub/data_000.npy",
  "..\\data_000.npy",
  "..",
  "data_000.npy/..",
]) {
  test(`dataset.json cannot name the shard "${file}"`, async (t) => {
    const folder = temporaryFolder(t);
    const columns = Array.from({ length: 36 }, (_, index) => `c${index}`);
    const shards = [{ file, rows: 1, split: "train" }];
    const info = {
      format: "asterolab-dataset",
      version: 1,
      points: 9,
      first_frequency_uhz: 1,
      step_uhz: 1,
      columns,
      shards,
    };
    writeFileSync(join(folder, "dataset.json"), JSON.stringify(info));
    await assert.rejects(maybeReadManifest(folder), {
      name: "DataError",
      message: /shards\.0\.file: must be the name of a \.npy file in the same folder$/,
    });
  });
}

/** A shell by an option, by an import, or by its own name. */
const SHELL =
  /shell: true|import \{[^}]*\bexec(Sync)?\b[^}]*\} from "node:child_process"|["'`](\/bin\/)?(sh|bash|cmd(\.exe)?|powershell)["'`]/;
const EVALUATION = /\beval\(|new Function\(/;

test("shells run constant scripts only, in the places named here, and none evaluates text", () => {
  const offences = sourcesUnder("src", "bin", "kernels", "scripts").flatMap((path) => {
    const text = readFileSync(path, "utf8");
    return [SHELL.exec(text), EVALUATION.exec(text)].flatMap((found) =>
      found === null ? [] : [`${relative(projectRoot, path)}: ${found[0]}`],
    );
  });
  // Windows runs npm.cmd in a shell only; set-up gives it constant arguments. The others get theirs as arguments.
  assert.deepEqual(offences.sort(), [
    "scripts/setup.mjs: shell: true",
    'src/distributed/orphans.ts: "sh"',
    'src/kernel/native-pipes.ts: "sh"',
  ]);
});

test("packages whose install scripts npm would run are the ones that environment.md names", () => {
  const lock = JSON.parse(readFileSync(join(projectRoot, "package-lock.json"), "utf8")) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  const named = readFileSync(join(projectRoot, "environment.md"), "utf8");
  const scripted = Object.entries(lock.packages).flatMap(([path, { hasInstallScript }]) =>
    hasInstallScript && path !== "" ? [path.replace(/^.*node_modules\//, "")] : [],
  );
  assert.deepEqual(
    scripted.filter((name) => !named.includes(name)),
    [],
  );
});

interface Listening {
  readonly address: string;
  readonly port: number;
}

/** Sockets in state LISTEN (proc(5), `net/tcp`). */
function listeningOf(table: string): Listening[] {
  const lines = readFileSync(`/proc/net/${table}`, "latin1").trim().split("\n").slice(1);
  return lines.flatMap((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    const [address, port] = local!.split(":");
    return state === "0A" ? [{ address: address!, port: Number.parseInt(port!, 16) }] : [];
  });
}

function sourcesUnder(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|js|mjs)$/.test(name))
      .map((name) => join(projectRoot, folder, name)),
  );
}
