// Builds the MPI addon once for every MPI whose compiler wrapper is found: build/mpi/<implementation>/asterolab-mpi.node.
// `--if-found` ends quietly where there is none. MPICXX names a wrapper to use alone.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const sources = join(root, "native", "mpi");
const isOptional = process.argv.includes("--if-found");
const HINT = "Debian: apt-get install openmpi-bin libopenmpi-dev (or mpich libmpich-dev)";

const wrappers = findWrappers();
if (wrappers.size === 0 && !isOptional) fail(`no MPI compiler wrapper (mpicxx) is found; install an MPI (${HINT})`);
for (const [implementation, wrapper] of wrappers) build(implementation, wrapper);

/** The wrapper of each implementation: those of the usual names, `mpicxx` first. */
function findWrappers() {
  const names = process.env.MPICXX ? [process.env.MPICXX] : ["mpicxx", "mpicxx.openmpi", "mpicxx.mpich"];
  const found = new Map();
  for (const name of names) {
    const shown = spawnSync(name, ["-show"], { encoding: "utf8" });
    if (shown.status !== 0) {
      if (process.env.MPICXX) fail(`MPICXX is "${name}", which does not run; expected an MPI's C++ compiler wrapper`);
      continue;
    }
    // MPICH, Intel MPI, MVAPICH and Cray MPICH share one binary interface.
    const implementation = /open-?mpi|-lmpi_cxx/i.test(shown.stdout) ? "openmpi" : "mpich";
    if (!found.has(implementation)) found.set(implementation, name);
  }
  return found;
}

function build(implementation, wrapper) {
  const folder = join(root, "build", "mpi", implementation);
  const addon = join(folder, "asterolab-mpi.node");
  const files = readdirSync(sources).map((name) => join(sources, name));
  const newest = Math.max(...files.map((file) => statSync(file).mtimeMs));
  if (existsSync(addon) && statSync(addon).mtimeMs >= newest && isOptional) return;
  mkdirSync(folder, { recursive: true });
  const api = createRequire(join(root, "package.json"))("node-addon-api").include_dir;
  const temporary = `${addon}.tmp-${process.pid}`;
  const shared = process.platform === "darwin" ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"];
  const result = spawnSync(
    wrapper,
    [
      ...["-std=c++17", "-O3", "-fPIC", "-Wall", "-Wextra", "-pthread", ...shared],
      ...["-DNAPI_VERSION=8", "-DNAPI_CPP_EXCEPTIONS", "-DOMPI_SKIP_MPICXX", "-DMPICH_SKIP_MPICXX"],
      ...["-isystem", nodeHeaders(), "-isystem", join(root, api)],
      ...files.filter((file) => file.endsWith(".cc")),
      ...["-o", temporary],
    ],
    { cwd: root, encoding: "utf8" },
  );
  if (result.status !== 0) fail(`${wrapper} cannot compile native/mpi:\n${result.stderr}`);
  renameSync(temporary, addon);
  process.stderr.write(`build-mpi: ${implementation} with ${wrapper} -> ${addon}\n`);
}

/** Where node_api.h lies: beside this Node, or where node-gyp put it to build the native engine. */
function nodeHeaders() {
  const cache = process.env.npm_config_devdir ?? join(homedir(), ".cache", "node-gyp");
  const folders = [
    join(dirname(realpathSync(process.execPath)), "..", "include", "node"),
    join(cache, process.versions.node, "include", "node"),
    join(homedir(), "Library", "Caches", "node-gyp", process.versions.node, "include", "node"),
  ];
  const folder = folders.find((candidate) => existsSync(join(candidate, "node_api.h")));
  return folder ?? fail("Node's headers are not found; run `npx node-gyp install` once");
}

function fail(message) {
  process.stderr.write(`build-mpi: ${message}\n`);
  process.exit(1);
}
