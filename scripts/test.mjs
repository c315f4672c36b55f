// Runs the tests with node's own runner through ts-node: `npm test [-- FILTER]`, the long ones too with --long.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const isLong = process.argv.includes("--long");
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));

// The order the house is built in, so that a broken foundation shows first and quickly.
const ROOMS = [
  "",
  "data",
  "simulate",
  "engine",
  "conformance",
  "model",
  "checkpoint",
  "train",
  "predict",
  "plot",
  "cli",
];

const files = filesUnder(join(root, "test"))
  .map((file) => relative(root, file))
  .filter((file) => file.endsWith(".test.ts") && (isLong || !file.endsWith(".long.test.ts")))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));

if (files.length === 0) {
  console.error(`test: no test file matches ${filters.join(" ")}`);
  process.exit(1);
}

const { status } = spawnSync(
  process.execPath,
  ["--require", "ts-node/register", "--test", "--test-concurrency=2", "--test-reporter=spec", ...files],
  { cwd: root, stdio: "inherit", env: { ...process.env, ...pythonOf() } },
);
process.exit(status ?? 1);

/** Tests that hold us against Python's packages use the interpreter of the virtual environment where there is one. */
function pythonOf() {
  const python = join(root, ".venv", "bin", "python");
  return process.env.ASTEROLAB_PYTHON === undefined && existsSync(python) ? { ASTEROLAB_PYTHON: python } : {};
}

function rank(file) {
  const room = file.split("/").length > 2 ? file.split("/")[1] : "";
  const index = ROOMS.indexOf(room);
  return index === -1 ? ROOMS.length : index;
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}
