import assert from "node:assert/strict";
import test from "node:test";
import { examine } from "../../src/cli/doctor";
import { gpuCount } from "../../src/engine/tensorflow/device";
import { maybeTensorflowBuild } from "../../src/engine/tensorflow/load";
import { skipOf } from "../engines";

const isGpuMachine = gpuCount() > 0;

test("doctor says that TensorFlow loads, which, and from where", {
  skip: skipOf("tensorflow") || isGpuMachine,
}, async () => {
  const { tensorflow } = (await examine()).engines;
  assert.equal(tensorflow.ok, true, tensorflow.detail);
  assert.match(
    tensorflow.detail,
    /^tensorflow \(TensorFlow 2\.\d+\.\d+, CPU, \d+ threads\): chosen by the engine setting/,
  );
  const build = maybeTensorflowBuild();
  if (build !== null) assert.ok(tensorflow.detail.endsWith(` in ${build.folder}`), tensorflow.detail);
});

test("where TensorFlow is not built, doctor says what to run", {
  skip: !skipOf("tensorflow") && "it is built here",
}, async () => {
  const { tensorflow } = (await examine()).engines;
  assert.equal(tensorflow.ok, false);
  assert.match(tensorflow.detail, /^Cannot use the tensorflow engine: @tensorflow\/tfjs-node-gpu must be installed/);
  assert.match(tensorflow.advice ?? "", /^run "npm run engine:tensorflow/);
});
