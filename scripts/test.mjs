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

const torch = findTorch();
console.error(
  torch === null
    ? "test: no Python here has PyTorch, so its tests are skipped (Debian: apt-get install python3-torch; else name one: ASTEROLAB_PYTHON=/path/to/python)"
    : `test: PyTorch ${torch.version} of ${torch.python}`,
);

const { status } = spawnSync(
  process.execPath,
  ["--require", "ts-node/register", "--test", "--test-concurrency=2", "--test-reporter=spec", ...files],
  { cwd: root, stdio: "inherit", env: { ...process.env, ...(torch !== null && { ASTEROLAB_PYTHON: torch.python }) } },
);
process.exit(status ?? 1);

/** The first Python that imports torch, and its version; Debian's is no longer `python3` where another was installed. */
function findTorch() {
  const candidates = [
    process.env.ASTEROLAB_PYTHON,
    join(root, ".venv", "bin", "python"),
    "python3",
    "/usr/bin/python3",
  ];
  for (const python of candidates) {
    if (!python || (python.includes("/") && !existsSync(python))) continue;
    const { status, stdout } = spawnSync(python, ["-c", "import torch; print(torch.__version__)"], {
      encoding: "utf8",
    });
    if (status === 0) return { python, version: stdout.trim() };
  }
  return null;
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
