// Puts Jupyter into .venv: JupyterLab with live figures and widgets, to work in; nbclient and papermill, which the tests hold us against.
//   --optional     where pip cannot have it, says so and ends well
// Uses nothing but Node's own modules. Idempotent: what is in place is left alone.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const venv = join(dirname(fileURLToPath(import.meta.url)), "..", ".venv");
const python = join(venv, "bin", "python");
const isOptional = process.argv.includes("--optional");
const PACKAGES = ["jupyterlab", "ipykernel", "ipywidgets", "plotly", "papermill"];
/** Where it is only tried, a network that swallows everything must not hold up the rest. */
const LIMIT_MS = 300_000;

const error = main();
if (error !== null) {
  say(error);
  if (isOptional) say("going on without Jupyter; its tests are skipped");
  process.exitCode = isOptional ? 0 : 1;
}

/** Returns why it cannot be had, or null. */
function main() {
  let missing = missingOf(PACKAGES);
  if (missing === null) {
    const problem = makeVenv();
    if (problem !== null) return problem;
    missing = missingOf(PACKAGES) ?? PACKAGES;
  }
  if (missing.length === 0) {
    say("everything is in place; nothing to do");
    return null;
  }
  say(`installing ${missing.join(", ")} into .venv with pip ...`);
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...missing];
  const result = spawnSync(python, args, { encoding: "utf8", ...(isOptional && { timeout: LIMIT_MS }) });
  if (result.status === 0) return null;
  const reason = (result.stderr ?? "").trim().split("\n").at(-1) || result.error?.message;
  return `pip cannot install ${missing.join(", ")}: ${reason}`;
}

/** The packages that .venv lacks, told without importing them; null when its Python does not run. */
function missingOf(names) {
  const script = "import importlib.util, sys; print(*[n for n in sys.argv[1:] if importlib.util.find_spec(n) is None])";
  const { status, stdout } = spawnSync(python, ["-c", script, ...names], { encoding: "utf8" });
  return status === 0 ? stdout.split(/\s+/).filter(Boolean) : null;
}

function makeVenv() {
  const base = process.env.PYTHON ?? "python3";
  say(`making the virtual environment .venv with ${base} ...`);
  if (runs(base, ["-m", "venv", venv])) return null;
  if (mayInstall()) {
    say("installing Debian's python3-venv, which that may need ...");
    runs("apt-get", ["update", "-qq"]);
    runs("apt-get", ["install", "-y", "-qq", "python3-venv"]);
    if (runs(base, ["-m", "venv", venv])) return null;
  }
  return `"${base} -m venv" does not work; Python 3.10 or newer with venv is needed (Debian: apt-get install python3-venv)`;
}

function mayInstall() {
  return process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function say(message) {
  process.stderr.write(`jupyter: ${message}\n`);
}
