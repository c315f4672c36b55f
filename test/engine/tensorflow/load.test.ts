import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { gpuCount } from "../../../src/engine/tensorflow/device";
import { maybeTensorflowBuild } from "../../../src/engine/tensorflow/load";
import { skipOf } from "../../engines";

const skip = skipOf("tensorflow");
const root = join(__dirname, "..", "..", "..");

/** Runs a line in a process of its own, where TensorFlow is not loaded yet. */
function inChild(program: string, environment: Record<string, string> = {}): string {
  const prelude = 'const { selectEngine } = require("./src/engine"); const tf = require("@tensorflow/tfjs-core");';
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--require", "ts-node/register", "-e", `${prelude} (async () => { ${program} })()`],
    { cwd: root, encoding: "utf8", env: { ...process.env, ...environment } },
  );
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test("the build's record names the TensorFlow it was made against", { skip }, (t) => {
  const build = maybeTensorflowBuild();
  if (build === null) return t.skip("the addon in place is not of our building");
  assert.match(build.version, /^2\.\d+/);
  assert.ok(existsSync(join(build.folder, "include", "tensorflow", "c", "c_api.h")));
});

test("the engine describes itself and leaves its settings to whoever set them", { skip }, () => {
  const program =
    'console.log((await selectEngine("tensorflow", { threads: 2 })).describe(), process.env.TF_NUM_INTRAOP_THREADS, process.env.TF_FORCE_GPU_ALLOW_GROWTH)';
  assert.match(
    inChild(program, { TF_NUM_INTRAOP_THREADS: "1", CUDA_VISIBLE_DEVICES: "" }),
    /^tensorflow \(TensorFlow 2\.\d+\.\d+, CPU, 2 threads\): chosen by the engine setting 1 true$/,
  );
});

test("a Node without the helpers that tfjs-node calls is given them", { skip }, () => {
  const program = `
    const util = require("node:util"); delete util.isNullOrUndefined; delete util.isArray;
    await selectEngine("tensorflow"); console.log(tf.sum(tf.ones([2, 3])).dataSync()[0])`;
  assert.equal(inChild(program), "6");
});

test("auto does not load TensorFlow where no GPU is", {
  skip: gpuCount() > 0 && "a GPU is here",
}, () => {
  const program =
    'const { name } = await selectEngine("auto"); console.log(name, Object.keys(require.cache).some((file) => file.includes("tfjs-node-gpu")))';
  assert.equal(inChild(program), "native false");
});

/** Lets a process believe that its machine has two GPUs; TensorFlow does not. */
const PRETEND = `
  const fs = require("node:fs"); const { readdirSync } = fs;
  fs.readdirSync = (path, ...rest) => (path === "/dev" ? ["null", "nvidia0", "nvidia1"] : readdirSync(path, ...rest));`;

test("on a machine with GPUs, auto says why it does not use them", () => {
  const program = `${PRETEND}
    const module = require("node:module"); const load = module._load;
    module._load = (name, ...rest) => { if (name === "@tensorflow/tfjs-node-gpu") throw new Error("no libcudart"); return load(name, ...rest); };
    console.log((await selectEngine("auto")).describe())`;
  assert.match(
    inChild(program, { CUDA_VISIBLE_DEVICES: "0,1" }),
    /^native \(.*\): Cannot use the tensorflow engine: @tensorflow\/tfjs-node-gpu must be installed with its library, and it does not load \(no libcudart\)/,
  );
  assert.match(inChild(program, { CUDA_VISIBLE_DEVICES: "" }), /: no GPU engine is installed$/);
});

test("where TensorFlow does not see the GPUs that are there, it warns, and auto goes on with native", { skip }, () => {
  const program = (engine: string): string => `${PRETEND}
    const { engineLines } = require("./src/engine");
    console.log(engineLines(await selectEngine("${engine}")).join("; "), tf.getBackend(), process.env.CUDA_VISIBLE_DEVICES)`;
  const environment = { OMPI_COMM_WORLD_LOCAL_RANK: "1" };
  assert.match(
    inChild(program("tensorflow"), environment),
    /^engine tensorflow \(TensorFlow 2\S+, CPU, .*; warning: TensorFlow 2\S+ sees no GPU of this machine and computes on the CPU; run `npx asterolab doctor` tensorflow 1$/,
  );
  assert.match(
    inChild(program("auto"), environment),
    /^engine native \(.*\): Cannot use the tensorflow engine: TensorFlow 2\S+ sees no GPU \(asterolab doctor says why\) native 1$/,
  );
  assert.doesNotMatch(inChild(program("tensorflow"), { CUDA_VISIBLE_DEVICES: "-1" }), /warning/);
});

test("a package without its addon is an error of one line that says what to run", () => {
  const program = `
    const module = require("node:module"); const load = module._load;
    module._load = (name, ...rest) => { if (name === "@tensorflow/tfjs-node-gpu") throw new Error("no addon\\nat all"); return load(name, ...rest); };
    await selectEngine("native");
    await selectEngine("tensorflow").catch((error) => console.log(tf.getBackend(), error.message))`;
  assert.equal(
    inChild(program),
    "native Cannot use the tensorflow engine: @tensorflow/tfjs-node-gpu must be installed with its library, and it does not load (no addon); use --engine native, or run `npm run engine:tensorflow`",
  );
});
