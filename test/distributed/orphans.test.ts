import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import test from "node:test";
import { endStopped, ownIdentity } from "../../src/distributed/orphans";
import { isAlive } from "../notebook/notebook-builder";

test("a stopped process is ended, and never another one of its number or of another machine", {
  skip: process.platform !== "linux" && "it is Linux's /proc that tells processes apart",
}, async (t) => {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const pid = child.pid!;
  // proc(5): field 22; the name of this program has no spaces.
  const startedAt = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[21]!;
  process.kill(pid, "SIGSTOP");
  for (const other of [
    { host: "here", pid, startedAt: String(Number(startedAt) - 1) },
    { host: "here", pid, startedAt: "" },
    { host: "there", pid, startedAt },
  ]) {
    endStopped(other, "here");
  }
  assert.ok(isAlive(pid));
  const ended = once(child, "exit");
  endStopped({ host: "here", pid, startedAt }, "here");
  assert.deepEqual(await ended, [null, "SIGKILL"]);
  endStopped({ host: "here", pid, startedAt }, "here"); // nothing is there any more
});

test("a process names itself by its machine, its number and its start", () => {
  const { host, pid, startedAt } = ownIdentity("here");
  assert.deepEqual([host, pid], ["here", process.pid]);
  if (process.platform === "linux") assert.match(startedAt, /^\d+$/);
});
