/**
 * Searches for inputs that break our readers, guided by the coverage of our sources.
 *
 * Usage: node --require ts-node/register scripts/fuzz.ts [--seconds N] [--seed S] [TARGET...]; default: 60 seconds for each target, one after the other.
 * Inputs that reached something new are kept in .cache/fuzz, findings are written to test/golden/fuzz/<target>, where
 * `npm test` tries them again for ever.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Coverage } from "../test/fuzz/coverage";

/** An input that takes longer hangs. */
const HANG_MS = 20_000;

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
  const watch = setInterval(() => {
    if (Date.now() - statSync(current).mtimeMs < HANG_MS) return;
    isHanging = true;
    child.kill("SIGKILL");
  }, 1000);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearInterval(watch);
  if (isHanging || code === null || code > 1) {
    const bytes = readFileSync(current);
    const input = bytes.subarray(4, 4 + bytes.readUInt32LE(0));
    console.log(`${name}: ${isHanging ? "hangs" : "ends the process"} on ${save(name, input)}`);
  }
  return code === 0;
}

async function searchHere(name: string): Promise<void> {
  // Before the sources are loaded, so that their blocks are counted.
  const coverage = new Coverage(`${root}/src/`);
  const { TARGETS } = await import("../test/fuzz/targets");
  const { search } = await import("../test/fuzz/search");
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
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuSeconds = ((user + system) / 1e6).toFixed(0);
  console.log(
    `${name}: ${runs} inputs in ${cpuSeconds} s of CPU, ${blocks} blocks, corpus ${corpus}, ${findings.length} findings`,
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

void main();
