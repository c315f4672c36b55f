import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { FileReader } from "../../src/data/file-reader";
import { NpyWriter, parseNpyHeader } from "../../src/data/npy";
import { NpyMatrix } from "../../src/data/npy-matrix";
import { DataError } from "../../src/errors";
import { npyBytes, npyHeader, temporaryFolder } from "./make-shard";

// Matrices of 5 rows and 40 columns, value = row + column / 64, written by NumPy: test/golden/data/make.py.
const golden = join(__dirname, "../golden/data");

test("every byte order, value type and memory order NumPy writes is read", async () => {
  const files = readdirSync(golden).filter((name) => /^[CF]_|^version2/.test(name));
  assert.equal(files.length, 9);
  for (const file of files) {
    const reader = new FileReader();
    const matrix = await NpyMatrix.open(join(golden, file), reader);
    assert.deepEqual([matrix.rows, matrix.columns], [5, 40], file);
    for (const row of [3, 0, 4]) {
      for (const out of [new Float32Array(40), new Float64Array(40), new Float32Array(7)]) {
        await matrix.readRow(row, out);
        assert.deepEqual(
          Array.from(out),
          Array.from(out, (_, column) => row + column / 64),
          `${file}, row ${row}`,
        );
      }
    }
    const last: number[][] = [];
    const hash = createHash("sha256");
    await matrix.readLastColumns(
      3,
      (row, values) => {
        last[row] = Array.from(values);
      },
      (bytes) => hash.update(bytes),
    );
    assert.deepEqual(
      last,
      Array.from({ length: 5 }, (_, row) => [37, 38, 39].map((column) => row + column / 64)),
      file,
    );
    reader.close();
  }
});

test("values that are no floats are refused", async () => {
  const cases = { "int32.npy": "<i4", "complex64.npy": "<c8" };
  for (const [file, descr] of Object.entries(cases)) {
    const path = join(golden, file);
    await assert.rejects(NpyMatrix.open(path, new FileReader()), {
      name: "DataError",
      message: `Cannot read "${path}": values are of .npy type "${descr}", expected float32 or float64`,
      isRequest: false,
    });
  }
});

test("a header of Python 2, unaligned, is understood", () => {
  const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (5120L, 35728L), }\n";
  const bytes = Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    Buffer.from([text.length, 0]),
    Buffer.from(text),
  ]);
  const header = parseNpyHeader(bytes, "x.npy");
  assert.deepEqual(header.shape, [5120, 35728]);
  assert.equal(header.dataOffset, 10 + text.length);
});

test("truncated files, files with a tail and foreign files are refused by name", async (t) => {
  const folder = temporaryFolder(t);
  const whole = npyBytes([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const spoiled: Record<string, [Buffer, RegExp]> = {
    truncated: [
      whole.subarray(0, whole.length - 5),
      /the file is truncated: it has 147 bytes, expected 152 for float32 values of shape \[2, 3\]$/,
    ],
    tail: [Buffer.concat([whole, Buffer.alloc(4)]), /has bytes behind its values: it has 156 bytes, expected 152/],
    header: [whole.subarray(0, 60), /the \.npy header is truncated after 60 bytes$/],
    empty: [Buffer.alloc(0), /not a \.npy file: it starts with "", expected "\\x93NUMPY"$/],
    foreign: [
      Buffer.from("PK\x03\x04 something else entirely"),
      /not a \.npy file: it starts with "PK\\u0003\\u0004 s"/,
    ],
    shape: [
      Buffer.concat([npyHeader([2, 3, 4]), Buffer.alloc(96)]),
      /its shape is \[2, 3, 4\], expected \[rows, columns\]$/,
    ],
    none: [npyHeader([0, 3]), /its shape is \[0, 3\], expected \[rows, columns\]$/],
    structured: [
      Buffer.concat([
        Buffer.from("\x93NUMPY\x01\x00\x36\x00", "latin1"),
        Buffer.from("{'descr': [('a', '<f4')], 'fortran_order': False, }\n  "),
      ]),
      /Malformed \.npy header$/,
    ],
  };
  for (const [name, [bytes, message]] of Object.entries(spoiled)) {
    const path = join(folder, `${name}.npy`);
    writeFileSync(path, bytes);
    await assert.rejects(NpyMatrix.open(path, new FileReader()), (error) => {
      assert.ok(error instanceof DataError, name);
      assert.match(error.message, message);
      assert.ok(error.message.includes(`"${path}"`));
      return true;
    });
  }
  await assert.rejects(NpyMatrix.open(join(folder, "absent.npy"), new FileReader()), {
    name: "DataError",
    message: `Cannot read "${join(folder, "absent.npy")}": no such file or folder`,
  });
});

test("a written shard has a 64-byte-aligned header, the values, and the hash it reports", async (t) => {
  const path = join(temporaryFolder(t), "data_000.npy");
  const writer = await NpyWriter.create(path, { rows: 3, columns: 5 });
  await writer.write(Float32Array.from({ length: 10 }, (_, index) => index / 8));
  assert.equal(existsSync(path), false, "no shard before it is complete");
  await writer.write(new Float32Array(5).fill(7));
  const summary = await writer.finish();
  const bytes = readFileSync(path);
  const expected = npyBytes([
    [0, 1, 2, 3, 4].map((value) => value / 8),
    [5, 6, 7, 8, 9].map((value) => value / 8),
    [7, 7, 7, 7, 7],
  ]);
  assert.equal(bytes.length % 64, 60);
  assert.deepEqual(bytes, expected);
  assert.deepEqual(summary, { rows: 3, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
});

test("an unfinished or wrongly fed shard leaves nothing behind", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "data_000.npy");
  const short = await NpyWriter.create(path, { rows: 2, columns: 5 });
  await short.write(new Float32Array(5));
  await assert.rejects(short.finish(), {
    name: "DataError",
    message: `Cannot write "${path}": got 1 rows, expected 2`,
  });
  const ragged = await NpyWriter.create(path, { rows: 2, columns: 5 });
  await assert.rejects(ragged.write(new Float32Array(7)), {
    name: "DataError",
    message: `Cannot write "${path}": got 7 values after 0 rows, expected whole rows of 5 values, 2 in all`,
  });
  const aborted = await NpyWriter.create(path, { rows: 2, columns: 5 });
  await aborted.abort();
  assert.deepEqual(readdirSync(folder), []);
  await assert.rejects(NpyWriter.create(join(folder, "no/data_000.npy"), { rows: 1, columns: 1 }), {
    name: "DataError",
    message: `Cannot write "${join(folder, "no/data_000.npy")}": no such file or folder`,
  });
});
