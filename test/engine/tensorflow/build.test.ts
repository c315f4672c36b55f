/** The script that builds the engine's addon: where it fails, it says why and leaves nothing behind. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { maybeTensorflowBuild } from "../../../src/engine/tensorflow/load";
import { temporaryFolder } from "../../data/make-shard";
import { skipOf } from "../../engines";

const root = join(__dirname, "..", "..", "..");
const PACKAGE = join("node_modules", "@tensorflow", "tfjs-node-gpu");

/** A checkout with the script and the package's sources only. */
function checkout(t: TestContext): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "scripts"));
  cpSync(join(root, "scripts", "build-tensorflow-engine.mjs"), join(folder, "scripts", "build-tensorflow-engine.mjs"));
  if (existsSync(join(root, PACKAGE))) {
    cpSync(join(root, PACKAGE, "binding"), join(folder, PACKAGE, "binding"), { recursive: true });
  }
  return folder;
}

function program(folder: string, name: string, lines: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
  return path;
}

function build(folder: string, args: readonly string[], environment: Record<string, string> = {}) {
  const script = join(folder, "scripts", "build-tensorflow-engine.mjs");
  const { status, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  return { status, stderr };
}

/** A Python that says where TensorFlow lies, as the real one does. */
function pythonWith(folder: string, libraries: readonly string[]): string {
  const tensorflow = join(folder, "tensorflow");
  mkdirSync(tensorflow);
  for (const library of libraries) writeFileSync(join(tensorflow, library), "");
  const found = { package: "tensorflow-cpu", version: "2.21.0", folder: tensorflow, cuda: [] };
  return program(folder, "python", `echo '${JSON.stringify(found)}'`);
}

const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
const skip = process.platform !== "linux" && "the libraries have other names there";

test("a virtual environment that cannot be made is an error that says what is needed, and is not left behind", (t) => {
  const folder = checkout(t);
  const python = program(folder, "broken", 'mkdir "$3"; echo "no ensurepip here" >&2; exit 3');
  const { status, stderr } = build(folder, ["--cpu"], { PYTHON: python, PATH: folder });
  assert.equal(status, 1);
  assert.match(stderr, /-m venv" failed \(no ensurepip here\); Python 3\.10 to 3\.13 with venv is needed/);
  assert.equal(existsSync(join(folder, ".venv")), false);
});

test("a GPU is refused where pip has no TensorFlow for it", (t) => {
  const folder = checkout(t);
  const machine = join(folder, "machine.cjs");
  writeFileSync(machine, 'Object.defineProperty(process, "arch", { value: "arm64" });');
  const { status, stderr } = build(folder, ["--gpu"], { NODE_OPTIONS: `--require ${machine}` });
  assert.deepEqual(
    [status, stderr],
    [
      1,
      `engine:tensorflow: pip's TensorFlow uses GPUs on Linux on x64 only, this is ${process.platform} on arm64; use --cpu\n`,
    ],
  );
});

test("with --optional the same trouble is told and ends well", (t) => {
  const folder = checkout(t);
  const python = program(folder, "broken", "exit 3");
  const { status, stderr } = build(folder, ["--cpu", "--optional"], { PYTHON: python, PATH: folder });
  assert.equal(status, 0);
  assert.match(stderr, /going on without the tensorflow engine\n$/);
});

test("a Python that pip has no TensorFlow for is told, and which would do", (t) => {
  const folder = checkout(t);
  const inner =
    'case "$*" in --version) echo "Python 3.14.1";; *--version) ;; *) echo "ERROR: No matching distribution found for $7" >&2; exit 1;; esac';
  const python = program(folder, "fake", `mkdir -p "$3/bin"; cp "${join(folder, "inner")}" "$3/bin/python"`);
  program(folder, "inner", inner);
  const { status, stderr } = build(folder, ["--cpu"], { PYTHON: python });
  assert.equal(status, 1);
  const name = process.platform === "linux" && process.arch === "x64" ? "tensorflow-cpu" : "tensorflow";
  assert.ok(
    stderr.endsWith(
      `engine:tensorflow: pip cannot install ${name}: ERROR: No matching distribution found for ${name}; TensorFlow is made for Python 3.10 to 3.13, this is Python 3.14.1: name another in PYTHON\n`,
    ),
    stderr,
  );
  assert.equal(existsSync(join(folder, ".venv")), false);
});

/** The libraries of the packages that tensorflow 2.21's extra and-cuda asks for, as they lie in site-packages/nvidia. */
const CUDA: Readonly<Record<string, readonly string[]>> = {
  cublas: ["libcublas.so.12", "libcublasLt.so.12", "libnvblas.so.12"],
  cuda_cupti: ["libcupti.so.12", "libcheckpoint.so", "libnvperf_host.so"],
  cuda_nvrtc: ["libnvrtc.so.12", "libnvrtc.alt.so.12", "libnvrtc-builtins.so.12.9", "libnvrtc-builtins.alt.so.12.9"],
  cuda_runtime: ["libcudart.so.12"],
  cudnn: ["libcudnn.so.9", "libcudnn_graph.so.9", "libcudnn_engines_precompiled.so.9"],
  cufft: ["libcufft.so.11", "libcufftw.so.11"],
  curand: ["libcurand.so.10"],
  cusolver: ["libcusolver.so.11", "libcusolverMg.so.11"],
  cusparse: ["libcusparse.so.12"],
  nccl: ["libnccl.so.2"],
  nvjitlink: ["libnvJitLink.so.12"],
};
const NOT_LINKED = ["libnvblas.so.12", "libcheckpoint.so", "libnvperf_host.so"];
const python3 = spawnSync("python3", ["--version"]).status === 0;

test("the TensorFlow for CUDA is found without importing it, and the addon is linked with CUDA's libraries", {
  skip: skip || (!python3 && "there is no python3"),
}, (t) => {
  const folder = checkout(t);
  const site = join(folder, "site");
  const put = (path: string, text = ""): void => {
    mkdirSync(dirname(join(site, path)), { recursive: true });
    writeFileSync(join(site, path), text);
  };
  put("tensorflow/__init__.py", "raise ImportError('not to be imported')");
  for (const library of LIBRARIES) put(`tensorflow/${library}`);
  put("tensorflow-9.9.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tensorflow\nVersion: 9.9.0\n");
  put("tensorflow-9.9.0.dist-info/RECORD", "tensorflow/__init__.py,,\n");
  for (const [part, names] of Object.entries(CUDA)) for (const name of names) put(`nvidia/${part}/lib/${name}`);
  put("nvidia/cuda_nvcc/bin/ptxas");
  put(
    "nvidia_cuda_runtime_cu12-12.9.79.dist-info/METADATA",
    "Metadata-Version: 2.1\nName: nvidia-cuda-runtime-cu12\nVersion: 12.9.79\n",
  );
  const seen = join(folder, "seen");
  // Any addon that loads stands for the one that a compiler would make.
  const compiler = program(
    folder,
    "cxx",
    `[ "$1" = --version ] && exit 0\nprintf '%s\\n' "$@" > ${seen}\nwhile [ "$1" != -o ]; do shift; done; cp "${join(root, "build", "Release", "asterolab.node")}" "$2"`,
  );
  const { status, stderr } = build(folder, ["--python", "python3"], { CXX: compiler, PYTHONPATH: site });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /compiling the addon against tensorflow 9\.9\.0 of site\/tensorflow \.\.\.\n/);
  const args = readFileSync(seen, "utf8").trim().split("\n");
  const libraries = Object.entries(CUDA).flatMap(([part, names]) =>
    names
      .filter((name) => !NOT_LINKED.includes(name) && !/alt|builtins/.test(name))
      .map((name) => join(site, "nvidia", part, "lib", name)),
  );
  const linked = args.slice(args.indexOf("-Wl,--no-as-needed") + 1).filter((arg) => !arg.startsWith("-"));
  assert.deepEqual(linked.sort(), libraries.sort());
  const folders = [join(site, "tensorflow"), ...Object.keys(CUDA).map((part) => join(site, "nvidia", part, "lib"))];
  assert.deepEqual(
    args.filter((arg) => arg.startsWith("-Wl,-rpath,")),
    folders.map((path) => `-Wl,-rpath,${path}`),
  );
  const record = JSON.parse(readFileSync(join(folder, PACKAGE, "lib", "napi-v8", "asterolab.json"), "utf8")) as object;
  assert.deepEqual(record, {
    ...{ package: "tensorflow", version: "9.9.0", folder: folders[0], cuda: folders.slice(1), cudaVersion: "12.9.79" },
    ...{ platform: process.platform, arch: process.arch },
  });
  const again = build(folder, ["--python", "python3"], { CXX: compiler, PYTHONPATH: site });
  assert.match(again.stderr, /: in place, with tensorflow 9\.9\.0 of site\/tensorflow; nothing to do\n$/);
});

test("a Python without TensorFlow, and one with too old a one, are refused", { skip }, (t) => {
  const folder = checkout(t);
  const none = build(folder, ["--python", program(folder, "none", "echo null")]);
  assert.deepEqual(
    [none.status, none.stderr],
    [1, `engine:tensorflow: "${join(folder, "none")}" has no TensorFlow; install it there: pip install tensorflow\n`],
  );
  const old = build(folder, ["--python", pythonWith(folder, ["libtensorflow_framework.so.2"])]);
  assert.equal(old.status, 1);
  assert.match(
    old.stderr,
    /has no libtensorflow_cc\.so\.2; a newer TensorFlow is needed \(2\.21 is tested\), found 2\.21\.0\n$/,
  );
});

test("a compiler that fails leaves no addon, and its words are shown", { skip }, (t) => {
  const folder = checkout(t);
  const compiler = program(folder, "cxx", '[ "$1" = --version ] && exit 0\necho "bad code" >&2; exit 1');
  const { status, stderr } = build(folder, ["--python", pythonWith(folder, LIBRARIES)], { CXX: compiler });
  assert.equal(status, 1);
  assert.match(stderr, /cannot compile the addon:\nbad code/);
  assert.deepEqual(readdirSync(join(folder, PACKAGE, "lib", "napi-v8")), []);
});

test("an addon that does not load is taken away again", { skip }, (t) => {
  const folder = checkout(t);
  const compiler = program(
    folder,
    "cxx",
    '[ "$1" = --version ] && exit 0\nwhile [ "$1" != -o ]; do shift; done; echo "not an addon" > "$2"',
  );
  const { status, stderr } = build(folder, ["--python", pythonWith(folder, LIBRARIES)], { CXX: compiler });
  assert.equal(status, 1);
  assert.match(stderr, /the addon was built and does not load: Error: .*tfjs_binding\.node/);
  assert.deepEqual(readdirSync(join(folder, PACKAGE, "lib", "napi-v8")), []);
});

const isOfVenv = maybeTensorflowBuild()?.folder.startsWith(join(root, ".venv")) ?? false;

test("what is in place is left alone", { skip: skipOf("tensorflow") || (!isOfVenv && "built from elsewhere") }, () => {
  const { status, stderr } = build(root, ["--cpu"]);
  assert.equal(status, 0);
  assert.match(stderr, /^engine:tensorflow: in place, with tensorflow\S* 2\.\S+ of \.venv\/\S+; nothing to do\n$/);
});
