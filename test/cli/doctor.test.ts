import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { describeBuild, examine, jupyterFinding } from "../../src/cli/doctor";
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

test("doctor says which CUDA TensorFlow comes with", () => {
  const build = {
    package: "tensorflow",
    version: "2.21.0",
    folder: "/venv/tensorflow",
    cuda: ["/venv/nvidia/cublas/lib"],
  };
  const text = (version: string): string => `tensorflow 2.21.0 for ${version} in /venv/tensorflow`;
  assert.equal(describeBuild({ ...build, cudaVersion: "12.9.79" }), text("CUDA 12.9.79"));
  assert.equal(describeBuild({ ...build, cudaVersion: null }), text("CUDA"));
  assert.equal(describeBuild({ ...build, cuda: [], cudaVersion: null }), text("the CPU"));
});

test("where TensorFlow is not built, doctor says what to run", {
  skip: !skipOf("tensorflow") && "it is built here",
}, async () => {
  const { tensorflow } = (await examine()).engines;
  assert.equal(tensorflow.ok, false);
  assert.match(tensorflow.detail, /^Cannot use the tensorflow engine: @tensorflow\/tfjs-node-gpu must be installed/);
  assert.match(tensorflow.advice ?? "", /^run "npm run engine:tensorflow/);
});

test("doctor finds the first Jupyter that runs, the one of .venv too, and names its JupyterLab", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "asterolab-doctor-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const script = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  };
  const nowhere = join(folder, "nowhere");
  const versions = "IPython          : 9.18.1\njupyter_core     : 5.9.1\njupyterlab       : 4.6.6";
  const whole = script("whole", `echo 'Selected Jupyter core packages...\n${versions}'`);
  const bare = script("bare", "echo 'jupyter_core     : 5.9.1\njupyterlab       : not installed'");
  const broken = script("broken", "exit 3");
  assert.deepEqual(jupyterFinding([nowhere, whole]), { ok: true, detail: `JupyterLab 4.6.6 (${whole})` });
  assert.deepEqual(jupyterFinding([broken, bare]), { ok: true, detail: `Jupyter 5.9.1, without JupyterLab (${bare})` });
  const { ok, detail, advice } = jupyterFinding([broken, nowhere]);
  assert.deepEqual([ok, detail], [false, `${broken} failed with exit code 3`]);
  assert.match(advice!, /npm run jupyter/);
  assert.equal(jupyterFinding([nowhere]).detail, "not found");
});
