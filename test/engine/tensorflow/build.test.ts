/** The script that builds the engine's addon: where it fails, it says why and leaves nothing behind. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

test("with --optional the same trouble is told and ends well", (t) => {
  const folder = checkout(t);
  const python = program(folder, "broken", "exit 3");
  const { status, stderr } = build(folder, ["--cpu", "--optional"], { PYTHON: python, PATH: folder });
  assert.equal(status, 0);
  assert.match(stderr, /going on without the tensorflow engine\n$/);
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
