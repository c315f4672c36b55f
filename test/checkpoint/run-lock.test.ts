/** The lock of a run folder: one holder at a time, and none that is dead. */

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { LOCK_FILE, lockRun, waitForLock } from "../../src/checkpoint/run-lock";
import { scratchFolder } from "./scratch";

function writeLock(dir: string, changes: Record<string, unknown>): string {
  const path = join(dir, LOCK_FILE);
  const owner = {
    pid: process.pid,
    host: hostname(),
    started: null,
    since: "2026-01-01T00:00:00.000Z",
    token: "other",
  };
  writeFileSync(path, JSON.stringify({ ...owner, ...changes }));
  return path;
}

test("a second run is refused with the first one's process and machine, until it ends", async (t) => {
  const dir = scratchFolder(t);
  const lock = await lockRun(dir);
  const { since } = JSON.parse(readFileSync(join(dir, LOCK_FILE), "utf8"));
  const message = `Cannot use run folder "${dir}": process ${process.pid} on ${hostname()} (since ${since}) is writing to it; wait for it to end, or choose another --path`;
  await assert.rejects(lockRun(dir), { name: "CheckpointError", message, path: dir });
  await lock.check();
  await lock.release();
  await lock.release();
  assert.deepEqual(readdirSync(dir), []);
  await (await lockRun(dir)).release();
});

test("another process is refused too, and takes over when the first was killed", async (t) => {
  const dir = scratchFolder(t);
  const script = `require("./src/checkpoint/run-lock").lockRun(process.argv[1]).then(
    () => { console.log("held"); setInterval(() => {}, 1000); }, (error) => console.log(error.message));`;
  const start = () =>
    spawn(process.execPath, ["--require", "ts-node/register", "-e", script, dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  const first = start();
  t.after(() => first.kill("SIGKILL"));
  assert.equal(String((await once(first.stdout, "data"))[0]), "held\n");
  await assert.rejects(lockRun(dir), new RegExp(`process ${first.pid} on `));
  first.kill("SIGKILL");
  await once(first, "exit");
  const lock = await lockRun(dir);
  await lock.check();
  await lock.release();
});

test("a lock is waited for until its process has ended, or the time is up", async (t) => {
  const dir = scratchFolder(t);
  await waitForLock(dir); // nobody holds it
  const holder = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  t.after(() => holder.kill("SIGKILL"));
  const stat = readFileSync(`/proc/${holder.pid}/stat`, "latin1");
  writeLock(dir, { pid: holder.pid, started: stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] });
  const startedAt = Date.now();
  await waitForLock(dir, 500);
  assert.ok(Date.now() - startedAt >= 450, "waits while the process lives");
  setTimeout(() => holder.kill("SIGKILL"), 300);
  await waitForLock(dir, 60_000);
  assert.ok(holder.killed && Date.now() - startedAt < 30_000);
  writeLock(dir, { host: "another" });
  await waitForLock(dir, 60_000); // of another machine nothing is known
});

test("of processes that start together one gets the folder", async (t) => {
  const dir = scratchFolder(t);
  // An abandoned lock: all of them find it so.
  const ended = promisify(execFile)(process.execPath, ["-e", ""]);
  const { pid } = ended.child;
  await ended;
  writeLock(dir, { pid });
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockRun(dir)));
  const held = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  assert.equal(held.length, 1);
  await held[0]!.check();
  await held[0]!.release();
  assert.deepEqual(readdirSync(dir), []);
});

test("a lock whose process number now belongs to another process is abandoned", {
  skip: existsSync("/proc/self/stat") ? false : "no /proc",
}, async (t) => {
  const dir = scratchFolder(t);
  writeLock(dir, { started: "1" });
  await (await lockRun(dir)).release();
});

test("a lock of another machine counts as held until it is ten minutes old", async (t) => {
  const dir = scratchFolder(t);
  const path = writeLock(dir, { host: "node17", pid: 1 });
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  for (const minutes of [0, 9]) {
    utimesSync(path, ago(minutes), ago(minutes));
    await assert.rejects(lockRun(dir), {
      message: `Cannot use run folder "${dir}": process 1 on node17 (since 2026-01-01T00:00:00.000Z) is writing to it; if it has ended, remove "${path}"`,
    });
  }
  utimesSync(path, ago(11), ago(11));
  await (await lockRun(dir)).release();
  assert.deepEqual(readdirSync(dir), []);
});

test("a living run keeps its lock young", async (t) => {
  const dir = scratchFolder(t);
  t.mock.timers.enable({ apis: ["setInterval"] });
  const lock = await lockRun(dir);
  const path = join(dir, LOCK_FILE);
  const content = readFileSync(path, "utf8");
  utimesSync(path, 0, 0);
  t.mock.timers.tick(15_000);
  const { mtimeMs } = await newer(path);
  assert.ok(mtimeMs > Date.now() - 60_000);
  assert.equal(readFileSync(path, "utf8"), content);
  await lock.release();
});

test("a damaged lock is replaced", async (t) => {
  const dir = scratchFolder(t);
  for (const text of ["", "{", '{"pid": 1}']) {
    writeFileSync(join(dir, LOCK_FILE), text);
    await (await lockRun(dir)).release();
  }
});

test("a run whose folder was taken over notices before it writes, and leaves the other's lock", async (t) => {
  const dir = scratchFolder(t);
  const lock = await lockRun(dir);
  const path = writeLock(dir, { host: "node17", pid: 8 });
  await assert.rejects(lock.check(), {
    name: "CheckpointError",
    message: `Cannot go on in run folder "${dir}": process 8 on node17 (since 2026-01-01T00:00:00.000Z) has taken it over; this run ends without writing`,
  });
  await lock.release();
  assert.ok(existsSync(path));
});

test("a folder that is not there is named", async (t) => {
  const dir = join(scratchFolder(t), "none");
  await assert.rejects(lockRun(dir), { message: `Cannot lock run folder "${dir}": no such file or folder` });
});

test("the command train refuses a folder that a run is using", async (t) => {
  const dir = scratchFolder(t);
  const lock = await lockRun(dir);
  t.after(() => lock.release());
  const script = `
    const { writeTinyData, tinyConfig } = require("./test/train/tiny-run");
    const { train } = require("./src/train/loop");
    const { mkdtempSync } = require("node:fs");
    const config = tinyConfig(writeTinyData(mkdtempSync(process.argv[1] + "/data-")), { num_epochs: 1 });
    train(config, { path: process.argv[1], restore: false }).catch((error) => console.log(error.message));`;
  const output = execFileSync(process.execPath, ["--require", "ts-node/register", "-e", script, dir], {
    encoding: "utf8",
  });
  assert.match(output, new RegExp(`^Cannot use run folder ".*": process ${process.pid} on .* is writing to it`));
});

async function newer(path: string): Promise<{ mtimeMs: number }> {
  const { stat } = await import("node:fs/promises");
  for (let attempt = 0; attempt < 100; attempt++) {
    const found = await stat(path);
    if (found.mtimeMs > 0) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { mtimeMs: 0 };
}
