// Sets up what is missing and says what it does: packages, the native addon, the compiled sources.
// Uses nothing but Node's own modules, since it runs before any package is there. Idempotent.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const isQuiet = process.argv.includes("--quiet");
const stampFolder = join(root, "node_modules", ".asterolab");

const STEPS = [
  {
    name: "packages",
    doing: "installing the packages of package-lock.json (no install script of any package runs)",
    inputs: ["package.json", "package-lock.json"],
    isDone: () => existsSync(join(root, "node_modules", "ts-node")),
    run: () => npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]),
  },
  {
    name: "link",
    doing: 'linking node_modules/asterolab to this folder, so that notebooks can import "asterolab"',
    inputs: [],
    isDone: () => existsSync(join(root, "node_modules", "asterolab", "package.json")),
    run: linkPackage,
  },
  {
    name: "native",
    doing: "building the native engine with node-gyp (about a minute)",
    inputs: ["binding.gyp", "native/bind", "native/ops"],
    isDone: () => existsSync(join(root, "build", "Release", "asterolab.node")),
    run: buildNative,
  },
  {
    // Ranks are optional: without an MPI there is nothing to build, and its trouble is not set-up's.
    name: "mpi",
    doing: "building the MPI addon for training on several ranks, where an MPI is found",
    inputs: ["native/mpi", "scripts/build-mpi.mjs"],
    isDone: () => existsSync(join(root, "build", "mpi")) || !runs("mpicxx", ["-show"]),
    run: () =>
      spawnSync(process.execPath, [join(root, "scripts", "build-mpi.mjs"), "--if-found"], { stdio: "inherit" }),
  },
  {
    name: "sources",
    doing: "compiling the TypeScript sources to dist/",
    inputs: ["src", "tsconfig.json", "package-lock.json"],
    isDone: () => existsSync(join(root, "dist", "index.js")),
    run: compileSources,
  },
];

main();

function main() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) fail(`Asterolab needs Node 20 or newer; this is ${process.version}`);
  const startedAt = Date.now();
  if (process.argv.includes("--mpi") && !runs("mpicxx", ["-show"])) installMpi();
  let ran = 0;
  for (const step of STEPS) {
    const fingerprint = fingerprintOf(step.inputs);
    const stamp = join(stampFolder, step.name);
    if (step.isDone() && existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint) continue;
    const stepStartedAt = Date.now();
    say(`${step.doing} ...`);
    step.run();
    mkdirSync(stampFolder, { recursive: true });
    writeFileSync(stamp, fingerprint);
    say(`${step.name}: done in ${seconds(stepStartedAt)}`);
    ran++;
  }
  if (ran > 0) say(`ready after ${seconds(startedAt)}`);
  else if (!isQuiet) say("everything is in place; nothing to do");
}

function linkPackage() {
  const link = join(root, "node_modules", "asterolab");
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link, { recursive: true });
  symlinkSync("..", link, "junction");
}

function buildNative() {
  const compiler = process.env.CXX ?? "c++";
  if (!runs(compiler, ["--version"])) {
    fail(
      `a C++17 compiler is needed and "${compiler}" does not run; install one ` +
        "(Debian: apt-get install g++ make; Fedora: dnf install gcc-c++ make; macOS: xcode-select --install) " +
        "or name it in CXX, then run this again",
    );
  }
  for (const [tool, debianPackage] of [
    ["python3", "python3"],
    ["make", "make"],
  ]) {
    if (!runs(tool, ["--version"])) provide(tool, debianPackage);
  }
  npm(["run", "--silent", "build:native"]);
}

function compileSources() {
  rmSync(join(root, "dist"), { recursive: true, force: true });
  run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", root], "tsc");
}

/** `--mpi` asks for ranks: Debian's Open MPI where this process may install it. */
function installMpi() {
  const packages = ["openmpi-bin", "libopenmpi-dev"];
  if (!mayInstall()) {
    fail(
      `no MPI is found (mpicxx does not run); install one (Debian: apt-get install ${packages.join(" ")}; ` +
        "Fedora: dnf install openmpi-devel; macOS: brew install open-mpi; on a cluster: load its module), then run this again",
    );
  }
  say("installing Debian's Open MPI ...");
  run("apt-get", ["update", "-qq"], "apt-get update");
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], "apt-get install");
}

function mayInstall() {
  return process.getuid?.() === 0 && runs("apt-get", ["--version"]);
}

/** node-gyp needs Python and make; where this process may install Debian's, it does. */
function provide(tool, debianPackage) {
  if (!mayInstall())
    fail(`node-gyp needs ${tool}, which does not run; install it (Debian: apt-get install ${debianPackage})`);
  say(`installing Debian's ${debianPackage}, which node-gyp needs ...`);
  run("apt-get", ["update", "-qq"], "apt-get update");
  run("apt-get", ["install", "-y", "-qq", debianPackage], `apt-get install ${debianPackage}`);
}

function npm(args) {
  // npm puts its own settings (such as where Node's headers lie) into the environment of the scripts it runs.
  if (process.platform === "win32") run("npm.cmd", args, `npm ${args[0]}`, { shell: true });
  else run("npm", args, `npm ${args[0]}`);
}

/** Runs a command; its output is shown only when it fails. */
function run(command, args, label, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28, ...options });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
  fail(`"${label}" failed${result.error ? `: ${result.error.message}` : ` with exit code ${result.status}`}`);
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Changes when a file named in `inputs` changes, when Node's binary interface does, or when the folder moves. */
function fingerprintOf(inputs) {
  const hash = createHash("sha256").update(`${process.versions.modules} ${process.platform} ${process.arch} ${root}`);
  for (const input of inputs) {
    for (const file of filesUnder(join(root, input))) hash.update(relative(root, file)).update(readFileSync(file));
  }
  return hash.digest("hex");
}

function filesUnder(path) {
  if (!existsSync(path)) return [];
  if (!lstatSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}

function seconds(startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
}

function say(message) {
  process.stderr.write(`setup: ${message}\n`);
}

function fail(message) {
  say(message);
  process.exit(1);
}
