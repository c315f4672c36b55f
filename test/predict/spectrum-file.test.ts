import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { KEPLER_GRID, POINTS } from "../../src/data/grid";
import { DataError, exitCodeOf } from "../../src/errors";
import { type InputGrid, readStars, type StarSpectrum } from "../../src/predict/spectrum-file";
import { assertClose } from "../assert-close";
import { shardRow, temporaryFolder, writeNpy } from "../data/make-shard";

/** Excerpts of real files: the header and the first 120 bins. */
const golden = join(__dirname, "../golden/predict");

const SMALL: InputGrid = { points: 150, grid: { points: 150, firstFrequencyUHz: 1, stepUHz: 0.5 } };

async function read(input: string, target = SMALL): Promise<StarSpectrum[]> {
  const stars: StarSpectrum[] = [];
  for await (const star of readStars(input, target)) stars.push(star);
  return stars;
}

async function readError(input: string, target = SMALL): Promise<{ message: string; exitCode: number }> {
  try {
    await read(input, target);
  } catch (error) {
    assert.ok(error instanceof DataError, String(error));
    return { message: error.message, exitCode: exitCodeOf(error) };
  }
  return assert.fail("no error");
}

const numbers = (power: ArrayLike<number>): number[] => Array.from(power);

test("excerpts of FAMED, TACO and pySYD files are read in µHz with their own step", async () => {
  const steps = { KIC06117517_famed: 0.00787103, KIC09332840_taco: 0.00787104, KIC11618103_pysyd: 0.0193233 };
  for (const [name, stepUHz] of Object.entries(steps)) {
    const path = join(golden, `${name}.txt`);
    const rows = readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .slice(3)
      .map((line) => line.split(/\s+/).map(Number));
    const grid = { points: 118, firstFrequencyUHz: rows[1]![0]!, stepUHz };
    const [star] = await read(path, { points: 118, grid });
    assert.deepEqual(star!.notes, [], name);
    assertClose(
      star!.power,
      rows.slice(1, 119).map((row) => row[1]!),
      { rtol: 1e-6, what: name },
    );
  }
});

test("a full four-year spectrum in cycles per day lands on the network's grid", async (t) => {
  const path = join(temporaryFolder(t), "star.csv");
  const perDay = 86400 / 1e6;
  const powerOf = (k: number): number => 1 + ((k * 7919) % 1009);
  const rows = Array.from(
    { length: 35982 },
    (_, k) => `${((k + 1) * KEPLER_GRID.stepUHz * perDay).toPrecision(12)},${powerOf(k + 1)}`,
  );
  writeFileSync(path, `Frequency (1/d),Power\n${rows.join("\n")}\n`);
  const [star] = await read(path, { points: POINTS, grid: KEPLER_GRID });
  assert.deepEqual(
    numbers(star!.power),
    Array.from({ length: POINTS }, (_, bin) => powerOf(291 + bin)),
  );
  assert.deepEqual(star!.notes, []);
});

test("npy files hold powers on the grid, shard rows, or frequencies and powers", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "stars.npy");
  const power = Array.from({ length: 150 }, (_, bin) => bin + 1);
  const frequency = power.map((_, bin) => 1 + bin / 2);

  writeNpy(path, [power]);
  assert.deepEqual(await read(path), [{ input: path, power: Float32Array.from(power), notes: [] }]);
  writeNpy(path, [shardRow(150, 1), shardRow(150, 2), shardRow(150, 3)], { descr: ">f8", isFortranOrder: true });
  const stars = await read(path);
  assert.deepEqual(
    stars.map(({ input }) => input),
    [`${path}[0]`, `${path}[1]`, `${path}[2]`],
  );
  assert.deepEqual(
    numbers(stars[2]!.power),
    power.map((value) => 3 * value),
  );
  assert.deepEqual(await read(`${path}[1]`), [stars[1]]);

  // Frequencies up to 75.5 without a unit are taken as µHz, and the reader is told.
  for (const rows of [[frequency, power], frequency.map((f, bin) => [f, power[bin]!])]) {
    for (const descr of ["<f8", "<f4"] as const) {
      writeNpy(path, rows, { descr });
      const [star] = await read(path);
      assert.deepEqual(numbers(star!.power), power);
      assert.deepEqual(star!.notes, ["frequencies taken as uHz, from their range (no header says the unit)"]);
    }
  }
});

test("text that Windows writes as Unicode is read", async (t) => {
  const path = join(temporaryFolder(t), "star.txt");
  const rows = Array.from({ length: 200 }, (_, k) => `${1 + k / 2}\t${1 + ((k * 7919) % 1009)}`.replaceAll(".", ","));
  const text = `frequency (µHz)\tpower\r\n${rows.join("\r\n")}\r\n`;
  writeFileSync(path, text);
  const [expected] = await read(path);
  assert.deepEqual(expected!.notes, []);
  writeFileSync(path, Buffer.from(`\uFEFF${text}`, "utf16le"));
  assert.deepEqual(await read(path), [expected]);
});

test("files that hold no spectrum are refused with their path and what would be right", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "star.npy");
  const text = join(folder, "star.txt");
  assert.deepEqual(await readError(text), { message: `Cannot read "${text}": no such file or folder`, exitCode: 2 });
  assert.deepEqual(await readError(path), { message: `Cannot read "${path}": no such file or folder`, exitCode: 2 });
  assert.deepEqual(await readError(folder), {
    message: `Cannot read "${folder}": it is a folder, expected a file`,
    exitCode: 2,
  });
  writeFileSync(text, Buffer.from("PK\x03\x04\0\0\0"));
  assert.deepEqual(await readError(text), {
    message: `Cannot read "${text}": it is a binary file, expected two columns of text (frequency, power), FITS or a .npy file`,
    exitCode: 1,
  });
  writeNpy(path, [shardRow(7, 1), shardRow(7, 1), shardRow(7, 1)]);
  assert.deepEqual(await readError(path), {
    message: `Cannot use "${path}": its shape is [3, 43], expected [rows, 150] or [rows, 186] (powers on the network's grid), or [2, n] or [n, 2] (frequencies and powers)`,
    exitCode: 1,
  });
  writeNpy(path, [shardRow(150, 1)]);
  assert.deepEqual(await readError(`${path}[1]`), {
    message: `Cannot read row 1 of "${path}": it has 1 rows`,
    exitCode: 2,
  });
  writeNpy(path, [
    [3, 2, 1, ...new Array<number>(100).fill(1)],
    [1, 1, 1, ...new Array<number>(100).fill(1)],
  ]);
  assert.deepEqual(await readError(path), {
    message: `Cannot use "${path}": row 1: the frequency 2 lies below the one before it (3), expected ascending ones`,
    exitCode: 1,
  });
});

test("spectra of zeros and damaged or hostile compression are refused", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "star.txt");
  writeFileSync(
    path,
    `frequency_uHz power\n${Array.from({ length: 200 }, (_, k) => `${k + 1} ${k % 3 === 0 ? 2 : 0}`).join("\n")}`,
  );
  assert.deepEqual(await readError(path), {
    message: `Cannot use "${path}": 133 of its 200 powers are 0, expected fewer than half`,
    exitCode: 1,
  });
  const zipped = gzipSync(readFileSync(path));
  writeFileSync(path, zipped.subarray(0, zipped.length - 20));
  assert.deepEqual(await readError(path), {
    message: `Cannot read "${path}": its compression is damaged`,
    exitCode: 1,
  });
  writeFileSync(path, gzipSync(Buffer.alloc(1e7)));
  const size = statSync(path).size;
  assert.deepEqual(await readError(path), {
    message: `Cannot read "${path}": it grows to more than ${200 * size} bytes`,
    exitCode: 1,
  });
  const npy = join(folder, "rows.npy");
  const rows = [1, 2, 3].map((scale) => shardRow(150, scale));
  rows[1]![7] = Number.NaN;
  writeNpy(npy, rows);
  assert.deepEqual(await readError(npy), {
    message: `Cannot use "${npy}[1]": the power at bin 7 is NaN, expected a finite number of at least 0`,
    exitCode: 1,
  });
});

test("a network whose frequencies are not known takes only spectra of its own length", async (t) => {
  const path = join(temporaryFolder(t), "star.txt");
  writeFileSync(path, "1 2\n");
  assert.deepEqual(await readError(path, { points: 150, grid: null }), {
    message: `Cannot use "${path}": the network takes 150 powers whose frequencies are not known, expected a .npy file of shape [rows, 150]`,
    exitCode: 2,
  });
});
