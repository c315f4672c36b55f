import assert from "node:assert/strict";
import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { selectEngine } from "../../src/engine";
import { adviseEvaluation, adviseStep, isOutOfMemory, withinMemory } from "../../src/engine/out-of-memory";
import { OutOfMemoryError } from "../../src/errors";
import { skipOf } from "../engines";

/** As tfjs-node words it. */
const oom = (): Error =>
  new Error(
    "Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[32,9] and type float on /job:localhost",
  );

const unused = (): void => assert.fail("nothing was to be discarded");

function fitsUpTo(limit: number, tried: number[]) {
  return (size: number): number => {
    tried.push(size);
    if (size > limit) throw oom();
    return size;
  };
}

test("what fits is computed once, and nothing is discarded", () => {
  const tried: number[] = [];
  assert.equal(withinMemory(8, fitsUpTo(8, tried), unused, adviseStep), 8);
  assert.deepEqual(tried, [8]);
});

test("the error names the largest half that fits, and the settings for the same step", () => {
  const tried: number[] = [];
  const discarded: number[] = [];
  assert.throws(
    () => withinMemory(50, fitsUpTo(13, tried), (size) => discarded.push(size), adviseStep),
    (error: Error) => {
      assert.ok(error instanceof OutOfMemoryError);
      assert.equal(error.fittingSize, 12);
      assert.equal(
        error.message,
        "Cannot compute on 50 spectra at once: the device's memory must hold them (OOM when allocating tensor with shape[32,9] and type float); 12 fit: set num_batchsize to 10 for each rank, and accumulate to 5 times what it is, for the same step",
      );
      return true;
    },
  );
  assert.deepEqual(tried, [50, 25, 12]);
  assert.deepEqual(discarded, [12]);
});

test("the advice keeps the step where parts of about that size do, and says so where they do not", () => {
  const settings = (part: number, times: number, step: string): string =>
    `set num_batchsize to ${part} for each rank, and accumulate to ${times} times what it is, for ${step}`;
  assert.equal(adviseStep(32, 64), settings(32, 2, "the same step"));
  assert.equal(adviseStep(1, 3), settings(1, 3, "the same step"));
  assert.equal(adviseStep(12, 49), settings(7, 7, "the same step"));
  assert.equal(adviseStep(26, 53), settings(26, 3, "a step hardly larger"));
  assert.equal(adviseEvaluation(4), "evaluate in batches of 4, or with --engine native");
});

// As TensorFlow words it where convolutions are timed first (tensorflow/tfjs issue 6026; rwth-i6/returnn issue 1457).
test("memory that is used up while cuDNN is tried is recognised, whatever the status", () => {
  const words = (reason: string): string =>
    `Invalid TF_Status: 5\nMessage: No algorithm worked!  Error messages:\n  Profiling failure on CUDNN engine 1: ${reason}`;
  const first = words("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 16998992 bytes.\n  Profiling");
  for (const text of [first, words("UNKNOWN: CUDNN_STATUS_ALLOC_FAILED\nin"), "CUBLAS_STATUS_ALLOC_FAILED"]) {
    assert.ok(isOutOfMemory(new Error(text)), text);
  }
  assert.ok(!isOutOfMemory(new Error(words("UNKNOWN: CUDNN_STATUS_EXECUTION_FAILED"))));
  const fail = (): never => {
    throw new Error(first);
  };
  assert.throws(() => withinMemory(1, fail, unused, adviseStep), {
    message: /\(Out of memory while trying to allocate 16998992 bytes\); not even one fits/,
  });
});

test("where not even one fits, the error says so", () => {
  assert.throws(() => withinMemory(3, fitsUpTo(0, []), unused, adviseStep), {
    name: "OutOfMemoryError",
    message:
      "Cannot compute on 3 spectra at once: the device's memory must hold them (OOM when allocating tensor with shape[32,9] and type float); not even one fits: use a smaller network or --engine native",
  });
});

test("other errors pass as they are", () => {
  const error = new RangeError("Cannot run lstm");
  const fail = (): never => {
    throw error;
  };
  assert.throws(() => withinMemory(4, fail, unused, adviseStep), error);
  assert.equal(isOutOfMemory(new Error("Invalid TF_Status: 3\nMessage: bad")), false);
});

test("TensorFlow's own report is recognised, and the engine works on", { skip: skipOf("tensorflow") }, async () => {
  await selectEngine("tensorflow");
  const before = tf.memory().numTensors;
  // 64 TiB: refused at once.
  const huge = (): number => tf.tidy(() => tf.sum(tf.fill([2 ** 22, 2 ** 22], 1)).dataSync()[0]!);
  assert.throws(huge, (error: Error) => isOutOfMemory(error));
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(Array.from(tf.tidy(() => tf.add(tf.ones([2]), 1).dataSync())), [2, 2]);
});
