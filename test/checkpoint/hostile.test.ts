/** Hostile and damaged files are refused by name, run nothing, and cost no more than they hold. */

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { loadCheckpointFile } from "../../src/checkpoint/checkpoints";
import { loadTorchFile } from "../../src/checkpoint/torch-file";
import { CheckpointError } from "../../src/errors";
import { pickle, tensor, text, u32, writeArchive } from "./pickles";
import { scratchFolder } from "./scratch";

const MARKER = join(__dirname, "never-made");
const storage = { "a/data/0": new Uint8Array(64) };
const deep = Buffer.concat([Buffer.alloc(300, "]"), Buffer.alloc(299, "a")]);
/** Each list holds the one before ten times: ten to the 30th values from 1 kB. */
const bomb = pickle(
  "]q\x00",
  ...Array.from({ length: 30 }, (_, i) =>
    Buffer.concat([Buffer.from(`0](${`h${String.fromCharCode(i)}`.repeat(10)}e`, "latin1"), Buffer.of(0x71, i + 1)]),
  ),
  ".",
);

const wrap = Buffer.from("0]h\x00aq\x00".repeat(150), "latin1");
/** 150 levels, kept as item 1 and found once near the top and once under 150 more. */
const meetAgain = pickle("]q\x00", wrap, "q\x01", wrap, "q\x020](h\x01h\x02e.");

const cases: readonly [name: string, data: Buffer, reason: RegExp][] = [
  [
    "os.system",
    pickle("cposix\nsystem\n", text(`touch ${MARKER}`), "\x85R."),
    /Python name "posix\.system", which is not allowed/,
  ],
  ["eval", pickle("c__builtin__\neval\n", text("1"), "\x85R."), /"__builtin__\.eval", which is not allowed/],
  ["a name that only starts like the optimizers", pickle("ctorch.optim\n__import__('os')\n."), /is not allowed/],
  ["an object's prototype", pickle("c__proto__\nconstructor\n."), /is not allowed/],
  ["INST", pickle("(iposix\nsystem\n."), /operation 0x69 at byte 3, which is not allowed/],
  ["STACK_GLOBAL", pickle(text("os"), text("system"), 0x93, "."), /operation 0x93/],
  ["EXT1", pickle(0x82, 1, "."), /operation 0x82/],
  ["another protocol", Buffer.from("\x80\x04N.", "latin1"), /protocol 4, expected 2/],
  ["a string longer than the pickle", pickle("X", u32(0xfffffff0), "abc."), /cut off: 4294967280 bytes wanted/],
  ["a name without an end", pickle("ctorch"), /cut off in a name/],
  ["no STOP", pickle("N"), /cut off/],
  ["an empty stack", pickle("."), /takes from an empty stack/],
  ["a pop below a mark", pickle("N(a."), /takes from an empty stack/],
  ["a missing mark", pickle("t."), /needs a mark/],
  ["values left over", pickle("NN."), /values left over/],
  ["a memo entry never stored", pickle("j", u32(4_000_000_000), "."), /recalls item 4000000000/],
  ["a list in itself", pickle("]q\x00h\x00a."), /contains itself/],
  ["a dict in a tuple in itself", pickle("}q\x00", text("k"), "h\x00\x85s."), /contains itself/],
  ["a deep nest", pickle(deep, "."), /nests deeper than 200 levels/],
  [
    "a deep nest of shared parts",
    pickle("]q\x00", Buffer.from("0]h\x00aq\x00".repeat(250), "latin1"), "."),
    /nests deeper than 200/,
  ],
  ["a deep nest met again further down", meetAgain, /nests deeper than 200/],
  ["a memo bomb", bomb, /unfold without end/],
  ["a dict as a key", pickle("}}Ns."), /neither a string nor an integer/],
  ["a key without a value", pickle("}(", text("k"), "u."), /a key without a value/],
  ["items for a number", pickle("K\x01NNs."), /sets items of something that is no dict/],
  ["elements for a dict", pickle("}Na."), /appends to something that is no list/],
  ["attributes for a list", pickle("]}b."), /sets attributes of something that has none/],
  ["a call of a string", pickle(text("x"), ")R."), /calls something that is not a name/],
  ["a call without arguments", pickle("ccollections\nOrderedDict\nNR."), /without a tuple of arguments/],
  ["a call with wrong arguments", pickle("ctorch._utils\n_rebuild_tensor_v2\n)R."), /arguments that do not fit/],
  ["a call of a type", pickle("ctorch\nFloatStorage\n)R."), /arguments that do not fit/],
  ["a bare name as a value", pickle("](ctorch\nFloatStorage\ne."), /holds torch\.FloatStorage itself/],
  ["a foreign persistent id", pickle(text("x"), "Q."), /persistent id that names no storage/],
  ["a bad string", pickle("X", u32(2), 0xc3, 0x28, "."), /not UTF-8/],
  [
    "more elements than the storage has",
    pickle(tensor({ count: 17, shape: [17], strides: [1] }), "."),
    /claims 68 bytes, but has 64/,
  ],
  [
    "a view past its storage",
    pickle(tensor({ count: 16, offset: 1, shape: [16], strides: [1] }), "."),
    /reaches element 16 of storage/,
  ],
  ["a stride past its storage", pickle(tensor({ count: 16, shape: [4], strides: [6] }), "."), /reaches element 18/],
  [
    "a tensor that expands without end",
    pickle(tensor({ count: 16, shape: [2 ** 30], strides: [0] }), "."),
    /unfold to more than/,
  ],
  [
    "a shape beyond numbers",
    pickle(tensor({ count: 16, shape: Array(40).fill(2 ** 30), strides: Array(40).fill(0) }), "."),
    /a tensor of shape/,
  ],
  [
    "a negative size",
    pickle(tensor({ count: 16, shape: [0xffffffff], strides: [1] }), "."),
    /arguments that do not fit/,
  ],
];

for (const [name, data, reason] of cases) {
  test(`refuses a pickle with ${name}`, async (t) => {
    const path = join(scratchFolder(t), "hostile.pth");
    await writeArchive(path, { "a/data.pkl": data, ...storage, "a/version": Buffer.from("3\n") });
    const before = process.memoryUsage();
    await assert.rejects(loadTorchFile(path), (error) => {
      assert.ok(error instanceof CheckpointError);
      assert.match(error.message, reason);
      assert.ok(error.message.startsWith(`Cannot load checkpoint "${path}": `));
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    assert.ok(grown < 20e6, `memory grew by ${grown} bytes`);
    assert.ok(!existsSync(MARKER));
  });
}

test("what a damaged file says is printed on one line of bounded length", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  const name = `a\n\x1b[31m\u2028${"n".repeat(5000)}`;
  await writeArchive(path, { [name]: Buffer.alloc(1), "b/data.pkl": pickle("N.") });
  await assert.rejects(loadTorchFile(path), (error) => {
    assert.ok(error instanceof CheckpointError);
    assert.doesNotMatch(error.message, /[\p{Cc}\u2028]/u);
    assert.ok(
      error.message.startsWith(`Cannot load checkpoint "${path}": entry "a; \\x1b[31m\\x2028nnn`),
      error.message,
    );
    assert.ok(error.message.length < 800);
    return true;
  });
});

test("refuses a storage that the archive lacks", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  await writeArchive(path, { "a/data.pkl": pickle(tensor({ count: 1, shape: [1], strides: [1] }), ".") });
  await assert.rejects(loadTorchFile(path), /has no storage data\/0/);
});

test("reads the float tensor that the hostile ones are bent from", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  const data = pickle(tensor({ count: 16, offset: 2, shape: [2, 3], strides: [1, 4] }), ".");
  const floats = Float32Array.from({ length: 16 }, (_, i) => i);
  await writeArchive(path, { "a/data.pkl": data, "a/data/0": new Uint8Array(floats.buffer) });
  const { value, verified } = await loadTorchFile(path);
  assert.deepEqual((value as { data: Float32Array }).data, Float32Array.of(2, 6, 10, 3, 7, 11));
  assert.equal(verified, false);
});

test("refuses a pickle of many dicts, which would take two hundred times its size", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  await writeArchive(path, { "a/data.pkl": pickle("(", Buffer.alloc(300_000, "}"), "t.") });
  await assert.rejects(loadTorchFile(path), /its pickle makes more than 262144 objects$/);
});

test("refuses a pickle longer than any checkpoint needs", async (t) => {
  const path = join(scratchFolder(t), "x.pth");
  await writeArchive(path, { "a/data.pkl": Buffer.alloc((8 << 20) + 1, "N") });
  await assert.rejects(loadTorchFile(path), /its data\.pkl has 8388609 bytes, more than the 8388608 that are read$/);
});

/** Items of a dict: 200 names for the tensor that is item 1 of the memo. */
const names = Array.from({ length: 200 }, (_, i) => Buffer.concat([text(`w${i}`), Buffer.from("h\x01")]));
const large = 1 << 18;
const largeTensor = tensor({ count: large, shape: [large], strides: [1] });
const doubles = Buffer.from(largeTensor.toString("latin1").replace("FloatStorage", "DoubleStorage"), "latin1");
const adam = ["}(", text("state"), "}", text("param_groups"), "](}(", text("betas"), ")", text("lr"), "K\x01"];
const weights = (shared: Buffer): (string | Buffer)[] => ["}(", text("w"), shared, "q\x01", ...names, "u"];

for (const [what, itemBytes, data] of [
  ["float32", 4, pickle(...weights(largeTensor), ".")],
  ["float64", 8, pickle(...weights(doubles), ".")],
  [
    "moments that are still zero",
    4,
    pickle(
      ...["}(", text("model_state_dict"), ...weights(largeTensor)],
      ...[text("optimizer_state_dict"), ...adam, text("eps"), "K\x01ueuu."],
    ),
  ],
] as const) {
  test(`two hundred names for the same numbers take their memory once (${what})`, async (t) => {
    const path = join(scratchFolder(t), "x.pth");
    await writeArchive(path, { "a/data.pkl": data, "a/data/0": new Uint8Array(itemBytes * large) });
    const { model, optimizer } = await loadCheckpointFile(path);
    assert.equal(model.size, 201);
    const moments = [...(optimizer?.firstMoments.values() ?? []), ...(optimizer?.secondMoments.values() ?? [])];
    assert.equal(moments.length, what.startsWith("moments") ? 402 : 0);
    const arrays = [...[...model.values()].map((weight) => weight.data), ...moments];
    assert.ok(arrays.every((array) => array.length === large));
    const held = [...new Set(arrays.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);
    assert.ok(held <= 2 * itemBytes * large, `they hold ${held} bytes`);
  });
}

const files: readonly [name: string, bytes: Buffer, reason: RegExp][] = [
  ["an empty file", Buffer.alloc(0), /it is empty/],
  ["a file of zeros", Buffer.alloc(100), /not a \.pth file: expected a ZIP archive/],
  ["text", Buffer.from("weights\n"), /not a \.pth file/],
  [
    "the start of an archive",
    Buffer.from("PK\x03\x04 and no more"),
    /End of central directory record signature not found/,
  ],
];

for (const [name, bytes, reason] of files) {
  test(`refuses ${name}`, async (t) => {
    const path = join(scratchFolder(t), "x.pth");
    writeFileSync(path, bytes);
    await assert.rejects(loadTorchFile(path), { name: "CheckpointError", message: reason });
  });
}

test("refuses the format from before PyTorch 1.6 and says how to convert it", async () => {
  const path = join(__dirname, "../golden/checkpoint/old-format.pth");
  await assert.rejects(loadTorchFile(path), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${path}": it has PyTorch's format from before 1.6; convert it in Python: torch.save(torch.load("${path}", map_location="cpu"), "${path}")`,
  });
});

test("names a missing file and a folder", async (t) => {
  const folder = scratchFolder(t);
  const path = join(folder, "none.pth");
  await assert.rejects(loadTorchFile(path), {
    name: "CheckpointError",
    message: `Cannot load checkpoint "${path}": no such file or folder`,
  });
  await assert.rejects(loadTorchFile(folder), {
    name: "CheckpointError",
    message: /it is a folder, expected a file$/,
  });
});
