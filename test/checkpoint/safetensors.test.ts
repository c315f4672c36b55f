/** The safetensors format against files of the reference library, and its rules on broken ones. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors";
import { TorchTensor } from "../../src/checkpoint/torch-values";
import { scratchFolder } from "./scratch";

const GOLDEN = join(__dirname, "../golden/checkpoint");

test("reads what the reference library wrote", async () => {
  const { tensors, metadata } = await readSafetensors(join(GOLDEN, "tensors.safetensors"));
  assert.deepEqual([...metadata], [["format", "pt"]]);
  const expected: [string, TorchTensor][] = [
    ["long", new TorchTensor("int64", [2], BigInt64Array.of(2n ** 53n + 1n, -1n))],
    ["double", new TorchTensor("float64", [2], Float64Array.of(0.1, -0.2))],
    ["conv1.bias", new TorchTensor("float32", [2], Float32Array.of(-1.5, Number.POSITIVE_INFINITY))],
    [
      "conv1.weight",
      new TorchTensor(
        "float32",
        [2, 2, 3],
        Float32Array.from({ length: 12 }, (_, i) => i / 8),
      ),
    ],
    ["empty", new TorchTensor("float32", [0, 4], new Float32Array(0))],
    ["scalar", new TorchTensor("float32", [], Float32Array.of(2.5))],
    ["short", new TorchTensor("int16", [1], Int16Array.of(-3))],
    ["flag", new TorchTensor("bool", [3], Uint8Array.of(1, 0, 1))],
  ];
  assert.deepStrictEqual([...tensors], expected);
});

test("widens half and bfloat16", async () => {
  const { tensors } = await readSafetensors(join(GOLDEN, "halves.safetensors"));
  // torch.tensor([6e-8]).half().float() and torch.tensor([1e30]).bfloat16().float()
  assert.deepEqual([...tensors.get("half")!.data], [1, -0.5, 65504, 2 ** -24]);
  assert.deepEqual([...tensors.get("brain")!.data], [1, -3, 1.0002555517425873e30]);
});

test("writes the reference library's bytes", async (t) => {
  const golden = join(GOLDEN, "tensors.safetensors");
  const path = join(scratchFolder(t), "a.safetensors");
  const { tensors, metadata } = await readSafetensors(golden);
  await writeSafetensors(path, { tensors: new Map([...tensors].reverse()), metadata });
  assert.ok(readFileSync(path).equals(readFileSync(golden)));
});

test("refuses to write a tensor under the metadata's name, and a folder that is not there", async (t) => {
  const dir = scratchFolder(t);
  const tensors = new Map([["__metadata__", new TorchTensor("float32", [], Float32Array.of(1))]]);
  await assert.rejects(writeSafetensors(join(dir, "a.safetensors"), { tensors, metadata: new Map() }), RangeError);
  const path = join(dir, "no", "a.safetensors");
  await assert.rejects(writeSafetensors(path, { tensors: new Map(), metadata: new Map() }), {
    name: "CheckpointError",
    message: `Cannot write "${path}": no such file or folder`,
  });
  assert.deepEqual(readdirSync(dir), []);
});

const F = { dtype: "F32", shape: [1], data_offsets: [0, 4] };

/** A file of this header and `dataBytes` zeros. */
function file(header: unknown, dataBytes: number, claimed?: bigint): Buffer {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(claimed ?? BigInt(json.length));
  return Buffer.concat([start, json, Buffer.alloc(dataBytes)]);
}

const broken: readonly [what: string, bytes: Buffer, message: RegExp][] = [
  ["few bytes", Buffer.alloc(7), /it has 7 bytes, too few/],
  ["a header longer than the file", file({ a: F }, 4, 1000n), /its header claims 1000 bytes of \d+$/],
  ["an enormous header", file({ a: F }, 4, 2n ** 63n), /its header claims 9223372036854775808 bytes/],
  ["a header that is not JSON", file("{", 0), /its header is not JSON/],
  ["a header that is not UTF-8", file('"\xff"'.replace("\xff", "\udc00"), 0), /its header is no JSON object/],
  ["a header that is a list", file([], 0), /its header is no JSON object/],
  ["metadata of numbers", file({ __metadata__: { a: 1 } }, 0), /its __metadata__ must hold texts only/],
  ["metadata of text", file({ __metadata__: "a" }, 0), /its __metadata__ must hold texts only/],
  ["an unknown element type", file({ a: { ...F, dtype: "F4" } }, 4), /tensor "a" has element type "F4"/],
  ["a negative size", file({ a: { ...F, shape: [-1] } }, 4), /tensor "a" has no valid shape and data_offsets/],
  ["three offsets", file({ a: { ...F, data_offsets: [0, 4, 4] } }, 4), /tensor "a" has no valid shape/],
  ["an unknown field", file({ a: { ...F, more: 1 } }, 4), /tensor "a" has no valid shape/],
  ["a null entry", file({ a: null }, 0), /tensor "a" has element type undefined/],
  ["another number of bytes", file({ a: { ...F, shape: [2] } }, 4), /of shape \[2\] and type F32 needs 8 bytes, has 4/],
  ["sizes whose product overflows", file({ a: { ...F, shape: [2 ** 52, 2 ** 52] } }, 4), /needs 8\.\d+e\+31 bytes/],
  ["a hole", file({ a: { ...F, data_offsets: [4, 8] } }, 8), /tensor "a" starts at byte 4 of the data, expected 0/],
  ["an overlap", file({ a: F, b: F }, 8), /tensor "b" starts at byte 0 of the data, expected 4/],
  ["bytes after the last tensor", file({ a: F }, 5), /its tensors take 4 bytes, but 5 follow the header/],
  ["a cut", file({ a: F }, 3), /its tensors take 4 bytes, but 3 follow the header/],
];

for (const [what, bytes, message] of broken) {
  test(`refuses ${what}`, async (t) => {
    const path = join(scratchFolder(t), "a.safetensors");
    writeFileSync(path, bytes);
    await assert.rejects(readSafetensors(path), { name: "CheckpointError", message, path });
  });
}

test("refuses a bool that is neither 0 nor 1", async (t) => {
  const path = join(scratchFolder(t), "a.safetensors");
  const bytes = file({ a: { dtype: "BOOL", shape: [1], data_offsets: [0, 1] } }, 1);
  bytes[bytes.length - 1] = 2;
  writeFileSync(path, bytes);
  await assert.rejects(readSafetensors(path), /tensor "a" holds bytes that are no bool/);
});
