/** Readers of binary files under fuzzing. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { loadCheckpointFile } from "../../src/checkpoint/checkpoints";
import { readPickle } from "../../src/checkpoint/pickle-reader";
import { writePickle } from "../../src/checkpoint/pickle-writer";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors";
import { tensorFactory } from "../../src/checkpoint/tensor-views";
import { writeTorchFile } from "../../src/checkpoint/torch-file";
import { TorchTensor, TorchTuple, type TorchValue } from "../../src/checkpoint/torch-values";
import { ZipReader } from "../../src/checkpoint/zip-reader";
import { FileReader } from "../../src/data/file-reader";
import { NpyMatrix } from "../../src/data/npy-matrix";
import { CheckpointError, DataError } from "../../src/errors";
import { columnNames, parseFits, readColumn } from "../../src/predict/fits";
import { readStarFits } from "../../src/predict/fits-star";
import { pickle, tensor, text } from "../checkpoint/pickles";
import { npyBytes } from "../data/make-shard";
import { attempt, isMistake, refusalOf, type Target } from "./target";

const GOLDEN = join(__dirname, "../golden/checkpoint");
const golden = (name: string): Buffer => readFileSync(join(GOLDEN, name));

/** Memory for the values of a file: what it claims must be there. */
const STORAGE_BYTES = 64;

const npy: Target = {
  name: "npy",
  words: ["'descr': '<f4'", "'>f8'", "'fortran_order': True", "'shape': (", "1, ", "), }", "L", "\x93NUMPY", "\x02\0"],
  seeds: () => [
    npyBytes([
      [1, 2, 3],
      [4, 5, 6],
    ]),
    npyBytes([[1, 2, 3, 4]], { descr: ">f8" }),
    npyBytes(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      { descr: "<f8", isFortranOrder: true },
    ),
  ],
  async run(input, folder) {
    const path = join(folder, "input.npy");
    writeFileSync(path, input);
    const reader = new FileReader();
    try {
      await attempt(async () => {
        const matrix = await NpyMatrix.open(path, reader);
        assert.ok(matrix.rows * matrix.columns * matrix.header.itemBytes <= input.length);
        for (const row of [0, matrix.rows - 1]) await matrix.readRow(row, new Float32Array(matrix.columns));
        const count = Math.min(2, matrix.columns);
        let rows = 0;
        await matrix.readLastColumns(
          count,
          () => void rows++,
          () => {},
        );
        assert.equal(rows, matrix.rows);
      }, refusalOf(DataError));
    } finally {
      reader.close();
    }
  },
};

const pth: Target = {
  name: "pth",
  words: ["PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "archive/data.pkl", "archive/data/0", "version", "byteorder"],
  seeds: () => ["reference.pth", "state_dict.pth", "plain.pth", "tensors.pth", "old-format.pth"].map(golden),
  async run(input, folder) {
    const path = join(folder, "input.pth");
    writeFileSync(path, input);
    await attempt(() => loadCheckpointFile(path), refusalOf(CheckpointError));
  },
};

const zip: Target = {
  name: "zip",
  words: ["PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07", "FB", "\x01\x00\x10\x00"],
  seeds: () => ["plain.pth", "state_dict.pth"].map(golden),
  async run(input, folder) {
    const path = join(folder, "input.zip");
    writeFileSync(path, input);
    const file = await open(path, "r");
    try {
      await attempt(
        async () => {
          const archive = await ZipReader.open(file);
          let total = 0;
          for (const entry of archive.entries.values()) total += (await archive.read(entry)).bytes.length;
          assert.ok(total <= input.length);
          await archive.checkFraming();
        },
        (error) => !isMistake(error),
      );
    } finally {
      await file.close();
    }
  },
};

const pickles: Target = {
  name: "pickle",
  words: [
    ...[
      "ccollections\nOrderedDict\n",
      "ctorch._utils\n_rebuild_tensor_v2\n",
      "ctorch\nFloatStorage\n",
      "cos\nsystem\n",
    ],
    ...["(", "t", ")", "}", "]", "R", "Q", "b", "u", "e", "s", "a", "0", ".", "q\0", "h\0", "X\x01\0\0\0a", "K\x01"],
  ],
  seeds: () => [
    pickle(tensor({ count: 16, shape: [2, 3], strides: [3, 1] }), "."),
    pickle("}(", text("a"), "K\x01", text("b"), tensor({ count: 4, shape: [4], strides: [1] }), "u."),
    writePickle(
      new Map<string, TorchValue>([
        ["x", [1, 2.5, null, true]],
        ["t", new TorchTuple(["a", 2n ** 70n])],
      ]),
    ).bytes,
    writePickle([new Map([["w", new TorchTensor("float32", [2], Float32Array.of(1, 2))]])]).bytes,
  ],
  async run(input) {
    const storages = new Map([["0", new Uint8Array(STORAGE_BYTES)]]);
    const value = await attempt(
      () => readPickle(input, tensorFactory(storages, input.length + STORAGE_BYTES)),
      (error) => !isMistake(error),
    );
    if (value === undefined) return;
    // What was read can be written, and comes back.
    const written = writePickle(value);
    const again = new Map(
      [...written.storages.entries()].map(([key, { buffer, byteOffset, byteLength }]) => {
        return [String(key), new Uint8Array(buffer, byteOffset, byteLength).slice()] as const;
      }),
    );
    assert.deepEqual(readPickle(written.bytes, tensorFactory(again, 1 << 20)), value);
  },
};

const safetensors: Target = {
  name: "safetensors",
  words: [
    '"dtype":"F32"',
    '"shape":[',
    '"data_offsets":[0,',
    '"__metadata__":{',
    '"BF16"',
    '"BOOL"',
    "{",
    "}",
    "[",
    "]",
    ",",
  ],
  seeds: () => ["tensors.safetensors", "halves.safetensors"].map(golden),
  async run(input, folder) {
    const path = join(folder, "input.safetensors");
    writeFileSync(path, input);
    const content = await attempt(() => readSafetensors(path), refusalOf(CheckpointError));
    if (content === undefined) return;
    await writeSafetensors(path, content);
    assert.deepEqual(await readSafetensors(path), content);
  },
};

/** Values whose `.pth` file is well-formed around a changed pickle: past the checksums. */
const checkpoint: Target = {
  name: "checkpoint",
  words: [
    "model_state_dict",
    "optimizer_state_dict",
    "asterolab",
    "config",
    "step",
    "param_groups",
    "NaN",
    "-1",
    "{",
    "}",
  ],
  seeds: () => [Buffer.from(JSON.stringify(SKELETON))],
  async run(input, folder) {
    let value: TorchValue;
    try {
      value = torchValueOf(JSON.parse(Buffer.from(input).toString("utf8")));
    } catch {
      return; // not a value to begin with
    }
    const path = join(folder, "input.pth");
    await writeTorchFile(path, value);
    await attempt(() => loadCheckpointFile(path), refusalOf(CheckpointError));
  },
};

const SKELETON = {
  epoch: 1,
  model_state_dict: { "conv1.weight": { shape: [2, 1, 3] }, "linear.bias": { shape: [2] } },
  optimizer_state_dict: {
    state: { "0": { step: 1, exp_avg: { shape: [2, 1, 3] }, exp_avg_sq: { shape: [2, 1, 3] } } },
    param_groups: [{ lr: 0.5, betas: [0.5, 0.25], eps: 0.125, params: [0, 1] }],
  },
  scheduler_state_dict: { total_steps: 10, last_epoch: 1, _schedule_phases: [{ end_step: 2.5 }, { end_step: 9 }] },
  train_loss: 0.5,
  val_loss: null,
  asterolab: {
    ...{ format_version: 1, asterolab_version: "0", step: 3, data_epoch: 0, data_start: 8, best_val_loss: null },
    ...{ best_epoch: null, epochs_without_improvement: 0, sums: { loss: 0.5 }, seed: 1, points: 100, config: "{}" },
    ...{ fingerprint: "ab", world_size: 1 },
  },
};

/** JSON as values of a `.pth` file: `{"shape": [...]}` stands for a tensor of zeros. */
function torchValueOf(json: unknown): TorchValue {
  if (Array.isArray(json)) return json.map(torchValueOf);
  if (typeof json !== "object" || json === null) return json as TorchValue;
  const { shape } = json as { shape?: unknown };
  if (Array.isArray(shape)) {
    const count = shape.reduce<number>((product, size) => product * Number(size), 1);
    if (!(count < 1000)) throw new RangeError("too large to try");
    return new TorchTensor("float32", shape as number[], new Float32Array(count));
  }
  return new Map(
    Object.entries(json).map(([key, inner]) => [
      /^\d+$/.test(key) && Number.isSafeInteger(Number(key)) ? Number(key) : key,
      torchValueOf(inner),
    ]),
  );
}

/** Light curves end in their samples: their spectrum depends on nothing that the format says. */
const fits: Target = {
  name: "fits",
  words: [
    ...[
      "SIMPLE  =",
      "XTENSION= 'BINTABLE'",
      "END     ",
      "NAXIS1  =",
      "NAXIS2  =",
      "TFIELDS =",
      "BITPIX  =",
      "PCOUNT  =",
    ],
    ...[
      "TFORM1  = '1D      '",
      "TFORM2  = '999E    '",
      "TTYPE1  = 'TIME    '",
      "TSCAL1  =",
      "TNULL1  =",
      "'",
      "9".repeat(20),
      "-1",
    ],
  ],
  seeds: () =>
    ["kepler_llc.fits", "tess_lc.fits", "numbers.fits", "kasoc_psd.fits", "rows_psd.fits"].map((name) =>
      readFileSync(join(__dirname, "../golden/fits", name)),
    ),
  async run(input) {
    const bytes = Buffer.from(input);
    const isRefusal = refusalOf(DataError);
    await attempt(() => readStarFits(bytes, "input.fits"), isRefusal);
    await attempt(() => parseFits(bytes, "input.fits", { isStart: true }), isRefusal);
    const units = (await attempt(() => parseFits(bytes, "input.fits"), isRefusal)) ?? [];
    for (const unit of units) {
      if (unit.kind !== "table") continue;
      for (const name of columnNames(unit)) {
        const column = await attempt(() => readColumn(unit, name), isRefusal);
        assert.ok((column?.values.length ?? 0) <= input.length, "a column is no longer than the file");
      }
    }
  },
};

export const BINARY_TARGETS: readonly Target[] = [npy, pth, zip, pickles, safetensors, checkpoint, fits];
