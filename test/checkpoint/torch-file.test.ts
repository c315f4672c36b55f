/** `.pth` files: round trips, what PyTorch wrote, and damage found in any byte. */

import assert from "node:assert/strict";
import { promises as fs, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import fc from "fast-check";
import { loadTorchFile, readTorchFile, writeTorchFile } from "../../src/checkpoint/torch-file";
import {
  ARRAY_OF,
  type DType,
  type TorchDict,
  TorchFloat,
  TorchTensor,
  TorchTuple,
  type TorchValue,
  type TypedArray,
} from "../../src/checkpoint/torch-values";
import { ZipReader } from "../../src/checkpoint/zip-reader";
import { CheckpointError } from "../../src/errors";
import { Random } from "../../src/random";
import { writeArchive } from "./pickles";
import { scratchFolder } from "./scratch";

const MANIFEST = "archive/.asterolab/manifest.json";
const GOLDEN = join(__dirname, "../golden/checkpoint");

const shapes = fc.array(fc.nat({ max: 4 }), { maxLength: 4 });
const tensors = fc
  .tuple(fc.constantFrom(...(Object.keys(ARRAY_OF) as DType[])), shapes, fc.nat())
  .map(([dtype, shape, seed]) => {
    const random = new Random(seed);
    const data = new ARRAY_OF[dtype](shape.reduce((count, size) => count * size, 1)) as TypedArray;
    for (let i = 0; i < data.length; i++) {
      const bits = random.uint32();
      data[i] = dtype === "bool" ? bits & 1 : data instanceof BigInt64Array ? BigInt(bits) ** 2n : bits / 7;
    }
    return new TorchTensor(dtype, shape, data);
  });
const text = fc.string({ unit: "binary" });
const { value: values } = fc.letrec<{ value: TorchValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }).filter((n) => n > 2n ** 53n || n < -(2n ** 53n)),
    fc.double().map((value) => new TorchFloat(value)),
    text,
    tensors,
    fc.array(tie("value")),
    fc.array(tie("value")).map((items) => new TorchTuple(items)),
    fc
      .array(
        fc.tuple(
          fc.oneof(
            text,
            fc.maxSafeInteger().map((n) => n || 0),
          ),
          tie("value"),
        ),
      )
      .map((entries) => new Map(entries)),
  ),
}));

test("any nested value survives a round trip", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  await fc.assert(
    fc.asyncProperty(values, async (value) => {
      await writeTorchFile(path, value);
      const read = await loadTorchFile(path);
      assert.deepStrictEqual(read.value, value);
      assert.equal(read.verified, true);
    }),
    { numRuns: 200 },
  );
});

test("the same value gives the same bytes", async (t) => {
  const folder = scratchFolder(t);
  for (const name of ["a", "b"]) await writeTorchFile(join(folder, name), sample());
  assert.ok(readFileSync(join(folder, "a")).equals(readFileSync(join(folder, "b"))));
});

test("tensors that share an array share a storage", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  const data = new Float32Array(1 << 16);
  await writeTorchFile(path, [
    new TorchTensor("float32", [1 << 16], data),
    new TorchTensor("float32", [256, 256], data),
  ]);
  assert.ok(statSync(path).size < 1.1 * data.byteLength);
  const [flat, square] = (await readTorchFile(path)) as TorchTensor[];
  assert.equal(flat!.data.buffer, square!.data.buffer);
});

test("numbers that are no safe integers are written as floats", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  await writeTorchFile(path, [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 3]);
  const float = (value: number) => new TorchFloat(value);
  assert.deepStrictEqual(await readTorchFile(path), [
    float(0.5),
    float(-0),
    float(Number.NaN),
    float(Number.POSITIVE_INFINITY),
    float(2 ** 53),
    3,
  ]);
});

test("refuses to write what a checkpoint cannot hold", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  const loop: TorchValue[] = [];
  loop.push(loop);
  await assert.rejects(writeTorchFile(path, loop), {
    name: "RangeError",
    message: /nests deeper than 200 levels, or contains itself/,
  });
  await assert.rejects(writeTorchFile(path, [undefined] as never), {
    name: "TypeError",
    message: "A checkpoint cannot hold undefined: expected a value of TorchValue",
  });
  await assert.rejects(writeTorchFile(path, "\ud800"), { name: "TypeError", message: /not well-formed Unicode/ });
  await assert.rejects(writeTorchFile(path, new Map([[0.5, null]])), {
    name: "TypeError",
    message: /keys must be strings or integers, got 0.5/,
  });
  await assert.rejects(writeTorchFile(path, 2n ** 2048n), {
    name: "RangeError",
    message: /needs 257 bytes; a checkpoint holds at most 255/,
  });
  assert.throws(() => new TorchTensor("float32", [2, 3], new Float32Array(5)), {
    name: "RangeError",
    message: "A tensor of shape [2, 3] needs 6 elements, got 5",
  });
  assert.throws(() => new TorchTensor("float32", [1], new Float64Array(1)), {
    name: "TypeError",
    message: "A float32 tensor needs a Float32Array, got Float64Array",
  });
});

test("a flipped bit is found wherever it is in a file", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  await writeTorchFile(path, sample());
  const bytes = readFileSync(path);
  const random = new Random(7);
  // Headers, padding, pickle, tensors, manifest and directory: no two bytes that are tried are far apart.
  for (let at = 0; at < bytes.length; at += 1 + random.integer(9)) {
    const bit = 1 << random.integer(8);
    bytes[at]! ^= bit;
    writeFileSync(path, bytes);
    await assert.rejects(loadTorchFile(path), CheckpointError, `bit ${bit} of byte ${at} of ${bytes.length}`);
    bytes[at]! ^= bit;
  }
  writeFileSync(path, bytes);
  assert.equal((await loadTorchFile(path)).verified, true);
});

test("a file cut off anywhere, or with bytes added, is refused", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  await writeTorchFile(path, sample());
  const bytes = readFileSync(path);
  for (let length = 0; length < bytes.length; length += 7) {
    writeFileSync(path, bytes.subarray(0, length));
    await assert.rejects(loadTorchFile(path), CheckpointError, `${length} of ${bytes.length} bytes`);
  }
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(1)]));
  await assert.rejects(loadTorchFile(path), CheckpointError);
  writeFileSync(path, Buffer.concat([Buffer.alloc(1), bytes]));
  await assert.rejects(loadTorchFile(path), CheckpointError);
});

const forgeries: readonly [what: string, change: (entries: Record<string, Uint8Array>) => void, message: RegExp][] = [
  [
    "another payload under a fitting CRC-32",
    (entries) => void entries["archive/data/0"]!.fill(1),
    /entry "archive\/data\/0" is damaged: its SHA-256 differs from the manifest's$/,
  ],
  ["an entry less", (entries) => delete entries["archive/version"], /it lacks entry "version" of its manifest$/],
  [
    "an entry more",
    (entries) => void Object.assign(entries, { "archive/data/9": new Uint8Array(3) }),
    /entry "archive\/data\/9" is damaged: its SHA-256 differs/,
  ],
  [
    "an entry outside its folder",
    (entries) => void Object.assign(entries, { x: new Uint8Array(3) }),
    /entry "x" lies outside folder "archive\/"$/,
  ],
  [
    "a manifest of text",
    (entries) => void Object.assign(entries, { [MANIFEST]: Buffer.from("sha") }),
    /its \.asterolab\/manifest\.json holds no SHA-256 sums$/,
  ],
  [
    "a manifest without sums",
    (entries) => void Object.assign(entries, { [MANIFEST]: Buffer.from("{}") }),
    /holds no SHA-256 sums$/,
  ],
  [
    "two pickles",
    (entries) => void Object.assign(entries, { "b/data.pkl": new Uint8Array(3) }),
    /not of PyTorch: expected one <folder>\/data\.pkl$/,
  ],
  [
    "another byte order",
    (entries) => {
      entries["archive/byteorder"] = Buffer.from("big");
      delete entries[MANIFEST];
    },
    /its numbers are "big"-endian, this machine's are little-endian$/,
  ],
];

for (const [what, change, message] of forgeries) {
  test(`refuses a well-formed archive with ${what}`, async (t) => {
    const path = join(scratchFolder(t), "x.pth");
    await writeTorchFile(path, sample());
    const entries: Record<string, Uint8Array> = {};
    const file = await fs.open(path, "r");
    const zip = await ZipReader.open(file);
    for (const entry of zip.entries.values()) entries[entry.name] = (await zip.read(entry)).bytes;
    await file.close();
    await writeArchive(path, entries);
    assert.equal((await loadTorchFile(path)).verified, true);
    change(entries);
    await writeArchive(path, entries);
    await assert.rejects(loadTorchFile(path), { name: "CheckpointError", message });
  });
}

test("reads PyTorch's tensors of every kind and layout", async () => {
  const { value, verified } = await loadTorchFile(join(GOLDEN, "tensors.pth"));
  assert.equal(verified, false);
  assertTensors(value, golden("tensors.json"));
});

test("reads a module's state_dict with its metadata", async () => {
  assertTensors(await readTorchFile(join(GOLDEN, "state_dict.pth")), golden("state_dict.json"));
});

test("reads Python's plain values", async () => {
  const float = (value: number) => new TorchFloat(value);
  const expected = new Map<string | number, TorchValue>([
    ["int", 1],
    ["float", float(1)],
    ["huge", 2n ** 70n],
    ["negative", -5],
    ["text", "µHz ☉"],
    ["none", null],
    ["flags", [true, false]],
    ["tuple", new TorchTuple([1, new TorchTuple([float(2.5), "x"]), []])],
    ["size", new TorchTuple([2, 3])],
    [7, new Map([["nested", [1, [2, [3]]]]])],
    ["long", Array.from({ length: 3000 }, (_, i) => i)],
  ]);
  assert.deepStrictEqual(await readTorchFile(join(GOLDEN, "plain.pth")), expected);
});

test("reads a schedule of PyTorch 1.13, its bound method as null", async () => {
  const value = (await readTorchFile(join(GOLDEN, "reference-1.13.pth"))) as TorchDict;
  const schedule = value.get("scheduler_state_dict") as TorchDict;
  assert.equal(schedule.get("anneal_func"), null);
  assert.equal(schedule.get("last_epoch"), 3);
});

test("a bit flipped in a file of PyTorch's tensors is found by its CRC-32", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  const bytes = readFileSync(join(GOLDEN, "state_dict.pth"));
  const first = (golden("state_dict.json")["0.weight"] as GoldenTensor).data.map(Number);
  bytes[bytes.indexOf(Buffer.from(Float32Array.from(first).buffer))]! ^= 4;
  writeFileSync(path, bytes);
  await assert.rejects(loadTorchFile(path), {
    name: "CheckpointError",
    message: /entry "state_dict\/data\/0" is damaged: its CRC-32 differs/,
  });
});

interface GoldenTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** As Python prints them. */
  readonly data: readonly string[];
}

function golden(name: string): Readonly<Record<string, GoldenTensor>> {
  return JSON.parse(readFileSync(join(GOLDEN, name), "utf8"));
}

function assertTensors(value: TorchValue, expected: Readonly<Record<string, GoldenTensor>>): void {
  const dict = value as Map<string, TorchTensor>;
  assert.deepEqual([...dict.keys()], Object.keys(expected));
  for (const [name, { dtype, shape, data }] of Object.entries(expected)) {
    const tensor = dict.get(name)!;
    assert.equal(tensor.dtype, dtype.replace(/^b?float16$/, "float32"), name);
    assert.deepEqual(tensor.shape, shape, name);
    const numbers = { inf: Number.POSITIVE_INFINITY, nan: Number.NaN, True: 1, False: 0 } as Record<string, number>;
    const parsed = data.map((text) => numbers[text] ?? (dtype === "int64" ? BigInt(text) : Number(text)));
    assert.deepStrictEqual([...(tensor.data as Float64Array)], parsed, name);
  }
}

function sample(): TorchValue {
  const random = new Random(3);
  const noise = Float32Array.from({ length: 300 }, () => random.uniform());
  return new Map<string, TorchValue>([
    ["epoch", 3],
    ["lr", new TorchFloat(1)],
    ["weights", new Map([["a.weight", new TorchTensor("float32", [3, 100], noise)]])],
    ["step", new TorchTensor("float32", [], Float32Array.of(12))],
    ["empty", new TorchTensor("int64", [0], new BigInt64Array(0))],
  ]);
}
