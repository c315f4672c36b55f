import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { DataError } from "../../src/errors";
import { parseFits, readColumn } from "../../src/predict/fits";
import { lightCurveSpectrum } from "../../src/predict/light-curve";
import { resampleSpectrum } from "../../src/predict/resample";
import type { InputGrid, ReadOptions, StarSpectrum } from "../../src/predict/spectrum-file";
import { readInputs } from "../../src/predict/spectrum-inputs";
import { shardRow, temporaryFolder, writeNpy } from "../data/make-shard";

const golden = join(__dirname, "../golden/fits");
const kepler = join(golden, "kepler_llc.fits");

const TARGET: InputGrid = { points: 150, grid: { points: 150, firstFrequencyUHz: 10, stepUHz: 1 } };

async function read(
  inputs: readonly string[],
  options: ReadOptions = {},
): Promise<{ stars: StarSpectrum[]; failures: DataError[] }> {
  const stars: StarSpectrum[] = [];
  const failures: DataError[] = [];
  const onFailure = (error: DataError): void => void failures.push(error);
  for await (const star of readInputs(inputs, TARGET, { ...options, onFailure })) stars.push(star);
  return { stars, failures };
}

/** The Kepler file as one of another quarter: its times, which astropy wrote as big-endian doubles, shifted. */
function writeQuarter(path: string, days: number): void {
  const bytes = Buffer.from(readFileSync(kepler));
  const table = parseFits(bytes, path)[1]!;
  const { values } = readColumn(table, "TIME");
  const rowBytes = Number(table.header.get("NAXIS1"));
  values.forEach((time, row) => {
    table.data.writeDoubleBE(time + days, row * rowBytes);
  });
  writeFileSync(path, bytes);
}

test("a FITS light curve, plain and compressed, becomes a spectrum on the network's grid", async () => {
  const { stars, failures } = await read([kepler]);
  assert.deepEqual(failures, []);
  assert.equal(stars[0]!.input, kepler);
  assert.match(
    stars[0]!.notes.join("\n"),
    /^power spectrum of a light curve: 697 samples over 14.304 days, 100 % filled/,
  );
  assert.ok(stars[0]!.power.every((power) => power > 0));
  const zipped = await read([join(golden, "kepler_llc.fits.gz")]);
  assert.deepEqual(zipped.stars[0]!.power, stars[0]!.power);
});

test("light curves of one star are stitched, whichever way they are given; other stars stay apart", async (t) => {
  const folder = temporaryFolder(t);
  const names = ["q1.fits", "q2.fits", "tess.fits", "psd.fits"].map((name) => join(folder, name));
  copyFileSync(kepler, names[0]!);
  writeQuarter(names[1]!, 16);
  copyFileSync(join(golden, "tess_lc.fits"), names[2]!);
  copyFileSync(join(golden, "kasoc_psd.fits"), names[3]!);
  const { stars, failures } = await read([folder]);
  assert.deepEqual(failures, []);
  assert.deepEqual(
    stars.map(({ input }) => input),
    [names[3], "KIC 6117517", names[2]],
  );
  assert.equal(stars[1]!.notes[0], "light curves of 2 files");
  assert.match(stars[1]!.notes[1]!, /1394 samples over 30.304 days, 94 % filled/);

  const curves = [names[0]!, names[1]!].map((path) => {
    const table = parseFits(readFileSync(path), path)[1]!;
    const flux = readColumn(table, "PDCSAP_FLUX").values;
    flux[32] = Number.NaN;
    return { path, timeDays: readColumn(table, "TIME").values, flux, notes: [] };
  });
  assert.deepEqual(stars[1]!.power, resampleSpectrum(lightCurveSpectrum(curves), TARGET.grid!).power);
  const given = await read([names[1]!, names[2]!, names[0]!]);
  assert.deepEqual(
    given.stars.map(({ input }) => input),
    ["KIC 6117517", names[2]],
  );
  assert.deepEqual(given.stars[0]!.power, stars[1]!.power);
});

test("spectra whose columns are called TIME and FLUX are not taken for light curves of their star", async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ["a.fits", "b.fits"]) copyFileSync(join(golden, "kepseismic_psd.fits"), join(folder, name));
  const { stars, failures } = await read([folder]);
  assert.deepEqual(failures, []);
  assert.deepEqual(
    stars.map(({ input }) => input),
    [join(folder, "a.fits"), join(folder, "b.fits")],
  );
});

test("what lies beside the stars of a folder is told apart from stars that cannot be used", async (t) => {
  const folder = temporaryFolder(t);
  const path = (name: string): string => join(folder, name);
  writeNpy(path("b.npy"), [shardRow(150, 1)]);
  writeFileSync(path("bad.txt"), "frequency_uHz power\n1 2\n");
  const catalogue = path("stars.csv");
  writeFileSync(catalogue, "kic,file,numax\n6117517,KIC06117517_famed.txt,118.59\n");
  writeNpy(path("logits.npy"), [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ]);
  copyFileSync(join(golden, "numbers.fits"), path("numbers.fits"));
  writeFileSync(path("pages.dat"), Buffer.from("PK\x03\x04\0\0\0"));
  const others: DataError[] = [];
  const onOther = (error: DataError): void => void others.push(error);
  const { stars, failures } = await read([folder], { onOther });
  assert.deepEqual(
    stars.map(({ input }) => input),
    [path("b.npy")],
  );
  assert.deepEqual(
    failures.map((error) => error.path),
    [path("bad.txt")],
  );
  assert.deepEqual(
    others.map((error) => error.path),
    ["logits.npy", "numbers.fits", "pages.dat", "stars.csv"].map(path),
  );
  assert.equal(
    others[3]!.message,
    `Cannot read "${catalogue}": line 2 is "6117517,KIC06117517_famed.txt,118.59", expected a frequency and a power`,
  );
  // A file that is named is a failure, whatever it holds.
  others.length = 0;
  const named = await read([folder, catalogue], { onOther });
  assert.ok(named.failures.some((error) => error.path === catalogue));
  assert.ok(!others.some((error) => error.path === catalogue));
});

test("what cannot be used is reported, and everything else is read", async (t) => {
  const folder = temporaryFolder(t);
  const path = (name: string): string => join(folder, name);
  writeFileSync(path("a.txt"), "frequency_uHz power\n1 2\n");
  const rows = [1, 2, 3].map((scale) => shardRow(150, scale));
  rows[1]!.fill(0, 0, 100);
  writeNpy(path("b.npy"), rows);
  writeFileSync(path("c.fits"), readFileSync(kepler).subarray(0, 20000));
  copyFileSync(kepler, path("d.fits"));
  writeFileSync(path("notes.md"), "not read");
  mkdirSync(path("empty"));
  const { stars, failures } = await read([folder, path("none.txt"), path("empty")]);
  assert.deepEqual(
    stars.map(({ input }) => input),
    [`${path("b.npy")}[0]`, `${path("b.npy")}[2]`, "KIC 6117517"],
  );
  assert.deepEqual(
    failures.map(({ message }) => message.replaceAll(folder, "")).sort(),
    [
      'Cannot read "/c.fits": extension 1 (LIGHTCURVE) should hold 19600 bytes of data, but the file ends after 14240',
      'Cannot read "/empty": the folder holds no file that ends in .fits, .txt, .csv, .dat or .npy (or these with .gz)',
      'Cannot read "/none.txt": no such file or folder',
      'Cannot scale "/b.npy[1]": the spectrum has 100 zeros among 150 powers, expected fewer than half',
      'Cannot use "/a.txt": it holds 1 frequencies, expected a power spectrum of at least 100',
    ].sort(),
  );
  await assert.rejects(async () => {
    for await (const _ of readInputs([folder], TARGET)) assert.fail("the first file is bad");
  }, /a\.txt/);
});

test("a folder that may not be read is reported by its path, and the others are read", {
  skip: process.getuid?.() === 0 && "root reads anything",
}, async (t) => {
  const folder = temporaryFolder(t);
  const closed = join(folder, "closed");
  mkdirSync(closed);
  chmodSync(closed, 0);
  writeNpy(join(folder, "open.npy"), [shardRow(150, 1)]);
  const { stars, failures } = await read([closed, join(folder, "open.npy")]);
  assert.equal(stars.length, 1);
  assert.deepEqual(
    failures.map(({ message, isRequest }) => [message, isRequest]),
    [[`Cannot read "${closed}": permission denied`, true]],
  );
});
