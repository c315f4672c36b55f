// Makes the engine `tensorflow` available: builds the addon of @tensorflow/tfjs-node-gpu, from the package's own sources,
// against the TensorFlow of a Python environment: lib/napi-v8/tfjs_binding.node in the package's folder.
//   --python FILE  an interpreter that has TensorFlow already; default: the one of .venv, which is made and filled
//   --cpu, --gpu   which TensorFlow to install into .venv; default: --gpu where nvidia-smi runs
//   --optional     where TensorFlow cannot be had, says so and ends well
// Idempotent: what is in place is left alone. The addon appears under its name only when it is whole.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const venv = join(root, ".venv");
const isMac = process.platform === "darwin";
const LIBRARIES = isMac
  ? ["libtensorflow_cc.2.dylib", "libtensorflow_framework.2.dylib"]
  : ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
/** On other machines `tensorflow` is what has no CUDA, and pip has no tensorflow-cpu. */
const hasCudaWheels = process.platform === "linux" && process.arch === "x64";
const CPU_PACKAGE = hasCudaWheels ? "tensorflow-cpu" : "tensorflow";

/** Where TensorFlow lies in an environment, read without importing it; `null` for one that is not there or not whole. */
const PROBE = `
import importlib.metadata as metadata, importlib.util as util, json, os
spec = util.find_spec("tensorflow")
found = None
for name in ("tensorflow", "tensorflow-cpu", "tensorflow_cpu"):
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        continue
    if spec and spec.origin and distribution.read_text("RECORD"):
        folder = os.path.dirname(spec.origin)
        nvidia = os.path.join(os.path.dirname(folder), "nvidia")
        cuda = [os.path.join(nvidia, part, "lib") for part in sorted(os.listdir(nvidia))] if os.path.isdir(nvidia) else []
        runtime = [d.version for d in metadata.distributions() if (d.metadata["Name"] or "").startswith("nvidia-cuda-runtime")]
        found = {
            "package": name, "version": distribution.version, "folder": folder,
            "cuda": [path for path in cuda if os.path.isdir(path)], "cudaVersion": runtime[0] if runtime else None,
        }
        break
print(json.dumps(found))
`;

class Impossible extends Error {}

const { values: options } = parseArgs({
  options: {
    python: { type: "string" },
    cpu: { type: "boolean", default: false },
    gpu: { type: "boolean", default: false },
    optional: { type: "boolean", default: false },
  },
});

try {
  main();
} catch (error) {
  if (!(error instanceof Impossible)) throw error;
  say(error.message);
  if (options.optional) say("going on without the tensorflow engine");
  process.exitCode = options.optional ? 0 : 1;
}

function main() {
  const folder = packageFolder();
  if (options.gpu && !hasCudaWheels && !options.python)
    stop(`pip's TensorFlow uses GPUs on Linux on x64 only, this is ${process.platform} on ${process.arch}; use --cpu`);
  const wantsGpu = options.gpu || (!options.cpu && hasCudaWheels && runs("nvidia-smi", ["-L"]));
  const tensorflow = options.python ? probe(options.python) : tensorflowOfVenv(wantsGpu);
  if (tensorflow === null)
    throw new Impossible(`"${options.python}" has no TensorFlow; install it there: pip install tensorflow`);
  for (const library of LIBRARIES) {
    if (!existsSync(join(tensorflow.folder, library)))
      throw new Impossible(
        `${tensorflow.folder} has no ${library}; a newer TensorFlow is needed (2.21 is tested), found ${tensorflow.version}`,
      );
  }
  build(folder, tensorflow);
}

function packageFolder() {
  const folder = join(root, "node_modules", "@tensorflow", "tfjs-node-gpu");
  if (existsSync(join(folder, "binding", "tfjs_backend.cc"))) return folder;
  throw new Impossible('@tensorflow/tfjs-node-gpu is not installed; run "npm ci --ignore-scripts"');
}

/** TensorFlow in the checkout's virtual environment, installed when it is not there. */
function tensorflowOfVenv(wantsGpu) {
  const python = join(venv, "bin", "python");
  const isNew = !existsSync(venv);
  const found = existsSync(python) ? probe(python) : null;
  // What somebody chose and installed is kept, unless it has no CUDA and a GPU is to be used.
  if (found && !(wantsGpu && (found.package.endsWith("cpu") || found.cuda.length === 0))) return found;
  try {
    if (!runs(python, ["-m", "pip", "--version"])) makeVenv();
    install(python, wantsGpu, isNew);
  } catch (error) {
    if (isNew) rmSync(venv, { recursive: true, force: true });
    throw error;
  }
  return probe(python) ?? stop("pip ended well, but TensorFlow is not in .venv");
}

function makeVenv() {
  const python = process.env.PYTHON ?? "python3";
  say(`making the virtual environment .venv with ${python} ...`);
  const made = () => spawnSync(python, ["-m", "venv", venv], { encoding: "utf8" });
  let result = made();
  const mayInstall = process.getuid?.() === 0 && runs("apt-get", ["--version"]);
  if (result.status !== 0 && mayInstall && /ensurepip|python3-venv/.test(`${result.stdout}${result.stderr}`)) {
    say("installing Debian's python3-venv, which that needs ...");
    spawnSync("apt-get", ["update", "-qq"], { stdio: "ignore" });
    spawnSync("apt-get", ["install", "-y", "-qq", "python3-venv"], { stdio: "ignore" });
    result = made();
  }
  if (result.status !== 0) {
    const reason = lastLine(result.stderr || result.stdout) || result.error?.message;
    stop(
      `"${python} -m venv" failed (${reason}); Python 3.10 to 3.13 with venv is needed (Debian: apt-get install python3-venv)`,
    );
  }
}

function install(python, wantsGpu, isNew) {
  // The CPU package alone: nothing here runs Python, so none of its Python packages are needed. Those of CUDA are.
  const args = wantsGpu ? ["tensorflow[and-cuda]"] : ["--no-deps", CPU_PACKAGE];
  say(`installing ${args.at(-1)} into .venv with pip (a download of ${wantsGpu ? "some gigabytes" : "270 MB"}) ...`);
  const startedAt = Date.now();
  const result = spawnSync(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...args], {
    encoding: "utf8",
    stdio: ["ignore", "inherit", "pipe"],
    // Where it is only tried, a network that swallows everything must not hold up the rest.
    ...(options.optional && { timeout: 300_000 }),
  });
  if (result.status !== 0) {
    const reason = lastLine(result.stderr) || result.error?.message;
    const isMissing = /No matching distribution/.test(reason);
    stop(`pip cannot install ${args.at(-1)}: ${reason}${isMissing ? otherPython(python, isNew) : ""}`);
  }
  say(`installed in ${seconds(startedAt)}`);
}

/** What to do about a Python that pip has no TensorFlow for. */
function otherPython(python, isNew) {
  const version = spawnSync(python, ["--version"], { encoding: "utf8" }).stdout.trim();
  return `; TensorFlow is made for Python 3.10 to 3.13, this is ${version}: name another in PYTHON${isNew ? "" : " and remove .venv"}`;
}

function probe(python) {
  const result = spawnSync(python, ["-c", PROBE], { encoding: "utf8" });
  if (result.status !== 0) stop(`"${python}" does not run: ${lastLine(result.stderr) || result.error?.message}`);
  return JSON.parse(result.stdout);
}

function build(folder, tensorflow) {
  const target = join(folder, "lib", "napi-v8");
  const addon = join(target, "tfjs_binding.node");
  const record = join(target, "asterolab.json");
  const compiler = process.env.CXX ?? "c++";
  const wanted = JSON.stringify({ ...tensorflow, platform: process.platform, arch: process.arch }, null, 2);
  if (existsSync(addon) && existsSync(record) && readFileSync(record, "utf8") === wanted) {
    return say(
      `in place, with ${tensorflow.package} ${tensorflow.version} of ${shown(tensorflow.folder)}; nothing to do`,
    );
  }
  if (!runs(compiler, ["--version"]))
    stop(`a C++17 compiler is needed and "${compiler}" does not run (Debian: apt-get install g++)`);
  say(`compiling the addon against ${tensorflow.package} ${tensorflow.version} of ${shown(tensorflow.folder)} ...`);
  const startedAt = Date.now();
  mkdirSync(target, { recursive: true });
  const temporary = `${addon}.tmp-${process.pid}`;
  // TensorFlow opens CUDA's libraries by bare name: they are found where they are loaded already, so the addon asks for
  // all of them by itself, each from its folder.
  const cuda = isMac ? [] : tensorflow.cuda;
  const cudaLibraries = cuda.flatMap((path) =>
    readdirSync(path)
      .filter(
        (name) =>
          /^lib(cud|cupti|cublas|cufft|curand|cusolver|cusparse|nccl|nvJitLink|nvrtc)[\w-]*\.so\.[\d.]+$/.test(name) &&
          !/stub|builtins|\.alt\./.test(name),
      )
      .map((name) => join(path, name)),
  );
  const result = spawnSync(
    compiler,
    [
      ...["-std=c++17", "-O2", "-fPIC", "-w", "-DNAPI_VERSION=8"],
      ...(isMac ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"]),
      ...["-I", nodeHeaders(), "-I", join(tensorflow.folder, "include"), "-I", join(folder, "..")],
      ...["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(folder, "binding", name)),
      ...["-o", temporary],
      ...LIBRARIES.map((name) => join(tensorflow.folder, name)),
      ...(cudaLibraries.length > 0 ? ["-Wl,--no-as-needed", ...cudaLibraries] : []),
      ...[tensorflow.folder, ...cuda].map((path) => `-Wl,-rpath,${path}`),
    ],
    { encoding: "utf8" },
  );
  if (result.status !== 0) {
    rmSync(temporary, { force: true });
    stop(`${compiler} cannot compile the addon:\n${result.stderr || result.error?.message}`);
  }
  rmSync(record, { force: true });
  renameSync(temporary, addon);
  const loads = spawnSync(process.execPath, ["-e", "require(process.argv[1])", addon], { encoding: "utf8" });
  if (loads.status !== 0) {
    rmSync(addon);
    stop(`the addon was built and does not load: ${lastLine(loads.stderr.match(/Error: .*/)?.[0] ?? loads.stderr)}`);
  }
  writeFileSync(record, wanted);
  say(`built in ${seconds(startedAt)}: ${shown(addon)}; --engine tensorflow is ready`);
}

/** Where node_api.h lies: where npm's nodedir says, beside this Node, or where node-gyp put it. */
function nodeHeaders() {
  const cache = process.env.npm_config_devdir ?? join(homedir(), ".cache", "node-gyp");
  const roots = [
    process.env.npm_config_nodedir,
    join(dirname(realpathSync(process.execPath)), ".."),
    join(cache, process.versions.node),
    join(homedir(), "Library", "Caches", "node-gyp", process.versions.node),
  ];
  const candidates = roots.filter(Boolean).map((path) => join(path, "include", "node"));
  const found = () => candidates.find((path) => existsSync(join(path, "node_api.h")));
  if (!found()) {
    const gyp = createRequire(join(root, "package.json")).resolve("node-gyp/bin/node-gyp.js");
    spawnSync(process.execPath, [gyp, "install"], { stdio: "ignore" });
  }
  return (
    found() ??
    stop("Node's headers are not found and node-gyp cannot fetch them; name their folder: npm config set nodedir")
  );
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function shown(path) {
  const inside = relative(root, path);
  return inside.startsWith("..") ? path : inside;
}

function lastLine(text) {
  return (text ?? "").trim().split("\n").at(-1);
}

function seconds(startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
}

function say(message) {
  process.stderr.write(`engine:tensorflow: ${message}\n`);
}

function stop(message) {
  throw new Impossible(message);
}
