/**
 * Searches for inputs that break our readers, guided by the coverage of our sources.
 *
 * Usage: node --require ts-node/register scripts/fuzz.ts [--seconds N] [--seed S] [TARGET...]; default: 60 seconds of CPU for
 * each target, one after the other.
 * Inputs that reached something new are kept in .cache/fuzz, findings are written to test/golden/fuzz/<target>, where
 * `npm test` tries them again for ever.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Coverage } from "../test/fuzz/coverage";

/** An input that takes more CPU than that hangs: on a busy machine the clock says little. */
const HANG_CPU_SECONDS = 20;
/** One that waits that long hangs, too. */
const HANG_MS = 600_000;

const root = join(__dirname, "..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    child: { type: "boolean", default: false },
  },
});

async function main(): Promise<void> {
  if (values.child) {
    await searchHere(positionals[0]!);
    return;
  }
  const { TARGETS } = await import("../test/fuzz/targets");
  const names = positionals.length > 0 ? positionals : TARGETS.map(({ name }) => name);
  for (const name of names) if (!(await searchIn(name))) process.exitCode = 1;
}

/** One process per target: a hang or a crash of it is a finding, not the end. */
async function searchIn(name: string): Promise<boolean> {
  mkdirSync(join(root, ".cache/fuzz"), { recursive: true });
  const current = currentFileOf(name);
  writeFileSync(current, "");
  const child = spawn(
    process.execPath,
    ["--require", "ts-node/register", __filename, "--child", "--seconds", values.seconds, "--seed", values.seed, name],
    { cwd: root, stdio: "inherit" },
  );
  let isHanging = false;
  let last = { inputAt: 0, cpuSeconds: 0 };
  const watch = setInterval(() => {
    const inputAt = statSync(current).mtimeMs;
    const cpuSeconds = cpuSecondsOf(child.pid!);
    if (inputAt !== last.inputAt) last = { inputAt, cpuSeconds };
    isHanging = cpuSeconds - last.cpuSeconds > HANG_CPU_SECONDS || Date.now() - inputAt > HANG_MS;
    if (isHanging) child.kill("SIGKILL");
  }, 1000);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearInterval(watch);
  if (isHanging || code === null || code > 1) {
    const bytes = readFileSync(current);
    if (bytes.length < 4) throw new Error(`Cannot search in ${name}: it ended with ${code} before the first input`);
    const input = bytes.subarray(4, 4 + bytes.readUInt32LE(0));
    console.log(`${name}: ${isHanging ? "hangs" : "ends the process"} on ${save(name, input)}`);
  }
  return code === 0;
}

/** Linux counts in hundredths of a second; elsewhere none are known, and the clock alone decides. */
function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

async function searchHere(name: string): Promise<void> {
  // Before the sources are loaded, so that their blocks are counted.
  const coverage = new Coverage(`${root}/src/`);
  const { TARGETS } = await import("../test/fuzz/targets");
  const { search, cpuSeconds } = await import("../test/fuzz/search");
  const target = TARGETS.find((candidate) => candidate.name === name);
  if (target === undefined) {
    throw new Error(`No target "${name}"; there are ${TARGETS.map((candidate) => candidate.name).join(", ")}`);
  }
  const cpuBefore = process.cpuUsage();
  const { runs, corpus, blocks, findings } = await search(target, {
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    corpusDir: join(root, ".cache/fuzz", name),
    currentFile: currentFileOf(name),
    coverage,
  });
  console.log(
    `${name}: ${runs} inputs in ${cpuSeconds(cpuBefore).toFixed(0)} s of CPU, ${blocks} blocks, corpus ${corpus}, ${findings.length} findings`,
  );
  for (const { input, error } of findings) console.log(`  ${save(name, input)}: ${error.message.split("\n")[0]}`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}

function currentFileOf(name: string): string {
  return join(root, ".cache/fuzz", `${name}.current`);
}

/** Keeps a finding for the tests; returns where. */
function save(name: string, input: Uint8Array): string {
  const folder = join(root, "test/golden/fuzz", name);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  const path = join(folder, createHash("sha256").update(input).digest("hex").slice(0, 16));
  writeFileSync(path, input);
  return path.slice(root.length + 1);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 2;
});
