/** The fixtures in test/golden/fits were written by astropy: see make_fits.py, whose sequences are repeated here. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { columnNames, type FitsUnit, maybeReadPair, parseFits, readColumn } from "../../src/predict/fits";
import { looksLikeLightCurve, readStarFits, targetOf } from "../../src/predict/fits-star";
import { assertClose } from "../assert-close";

const golden = (name: string): Buffer => readFileSync(join(__dirname, "../golden/fits", name));
const unitsOf = (name: string): FitsUnit[] => parseFits(golden(name), name);

const BINS = 400;
const FREQUENCY = Float64Array.from({ length: BINS }, (_, bin) => (bin + 1) * 0.72);
const POWER = Float64Array.from({ length: BINS }, (_, bin) => 1 + ((bin * bin * 7) % 101));
const FLUX = Float64Array.from({ length: 700 }, (_, index) => 10000 + ((index * 7919) % 101));
const TIME = Float64Array.from({ length: 700 }, (_, index) => 131.5 + index * 0.0204336);

/** A header card, and blocks of cards and data, written by hand. */
const card = (key: string, value: string): string => `${key.padEnd(8)}= ${value.padStart(20)}`.padEnd(80);
function block(cards: readonly string[], data: Uint8Array = Buffer.alloc(0)): Buffer {
  const text = [...cards, "END".padEnd(80)].join("");
  const padded = (bytes: Uint8Array, fill: number): Buffer =>
    Buffer.concat([bytes, Buffer.alloc((2880 - (bytes.length % 2880)) % 2880, fill)]);
  return Buffer.concat([padded(Buffer.from(text, "latin1"), 0x20), padded(data, 0)]);
}
const PRIMARY = ["SIMPLE", "BITPIX", "NAXIS"].map((key, index) => card(key, ["T", "8", "0"][index]!));
const TABLE: Readonly<Record<string, string>> = {
  ...{ XTENSION: "'BINTABLE'", BITPIX: "8", NAXIS: "2", NAXIS1: "12", NAXIS2: "3", PCOUNT: "0", GCOUNT: "1" },
  ...{ TFIELDS: "2", TTYPE1: "'TIME'", TFORM1: "'D'", TTYPE2: "'FLUX'", TFORM2: "'E'" },
};
const tableFile = (changes: Readonly<Record<string, string>>, bytes = 36): Buffer =>
  Buffer.concat([
    block(PRIMARY),
    block(
      Object.entries({ ...TABLE, ...changes }).map(([key, value]) => card(key, value)),
      Buffer.alloc(bytes),
    ),
  ]);

test("every number type is read big-endian, scaled, and with missing values as NaN", () => {
  const [primary, table] = unitsOf("numbers.fits");
  assert.deepEqual(
    [primary!.name, primary!.kind, table!.name, table!.kind],
    ["primary", "image", "extension 1 (NUMBERS)", "table"],
  );
  const expected: Record<string, number[]> = {
    BYTE: [0, 1, 2, NaN],
    SHORT: [-2, NaN, 0, 32767],
    UNSIGNED: [0, 1, 2 ** 31, 2 ** 32 - 1],
    SCALED: [9.5, 10, 10.5, 20],
    LONG: [-(2 ** 40), 0, 1, 2 ** 40],
    FLOAT: [0.5, NaN, -Infinity, 3],
    DOUBLE: [1e-300, 0.1, 2.5, -7],
  };
  for (const [name, values] of Object.entries(expected)) {
    assert.deepEqual(Array.from(readColumn(table!, name).values), values, name);
  }
  assert.deepEqual(columnNames(table!).slice(0, 3), ["BYTE", "FLAGS", "NAME"]);
  for (const [name, message] of [
    ["NAME", "its values are of type A, expected numbers"],
    ["FLAGS", "its values are of type X, expected numbers"],
    ["NONE", "there is no such column"],
  ] as const) {
    assert.throws(() => readColumn(table!, name), {
      name: "DataError",
      message: `Cannot read "numbers.fits": extension 1 (NUMBERS), column ${name}: ${message}`,
    });
  }
});

test("images of two columns or two rows are a pair", () => {
  for (const [name, rtol] of [
    ["kadacs_psd.fits", 0],
    ["rows_psd.fits", 1e-7],
  ] as const) {
    const [x, y] = maybeReadPair(unitsOf(name)[0]!)!;
    assertClose(
      x,
      FREQUENCY.map((f) => f * 1e-6),
      { rtol: rtol + 1e-15 },
    );
    assertClose(y, POWER);
  }
  assert.equal(maybeReadPair(unitsOf("kepler_llc.fits")[2]!), null);
});

test("power spectra of KASOC, KEPSEISMIC, KADACS and lightkurve are read in µHz", () => {
  for (const name of [
    "kasoc_psd.fits",
    "kepseismic_psd.fits",
    "kadacs_psd.fits",
    "rows_psd.fits",
    "lightkurve_periodogram.fits",
    "lightkurve_amplitude.fits",
  ]) {
    const { spectrum } = readStarFits(golden(name), name);
    assertClose(spectrum!.frequencyUHz, FREQUENCY, { rtol: 1e-7, what: name });
    assertClose(spectrum!.power, POWER, { rtol: 1e-12, what: name });
    assert.deepEqual(spectrum!.notes, name.includes("amplitude") ? ["amplitudes squared to powers"] : [], name);
  }
});

test("light curves of Kepler and TESS: the corrected flux, without what the quality flags call bad", () => {
  const kepler = readStarFits(golden("kepler_llc.fits"), "k.fits").curve!;
  assert.deepEqual(kepler.notes, []);
  const bad = new Set([20, 32]);
  assert.deepEqual(
    Array.from(kepler.flux),
    Array.from(FLUX, (flux, index) => (bad.has(index) ? NaN : flux)),
  );
  assertClose(
    kepler.timeDays,
    TIME.map((time, index) => (index === 10 ? NaN : time)),
    { rtol: 1e-15 },
  );

  const tess = readStarFits(golden("tess_lc.fits"), "t.fits").curve!;
  assert.deepEqual(tess.notes, ["PDCSAP_FLUX is empty: SAP_FLUX taken"]);
  assert.deepEqual(
    Array.from(tess.flux),
    Array.from(FLUX, (flux, index) => (index === 5 ? NaN : flux)),
  );
  assertClose(
    tess.timeDays,
    TIME.map((time) => time + 1000),
    { rtol: 1e-15 },
  );
});

test("whose file it is, and whether it holds a light curve, is told from the headers, also of its start alone", () => {
  const names: [string, string | null, boolean][] = [
    ["kepler_llc.fits", "KIC 6117517", true],
    ["tess_lc.fits", "TIC 38846515", true],
    ["kasoc_psd.fits", "KIC 6117517", false],
    ["kadacs_psd.fits", null, false],
  ];
  for (const [name, target, isLightCurve] of names) {
    for (const bytes of [golden(name), golden(name).subarray(0, 9000)]) {
      const units = parseFits(bytes, name, { isStart: true });
      assert.equal(targetOf(units), target);
      assert.equal(looksLikeLightCurve(units), isLightCurve);
    }
  }
});

test("headers that lie and files that are cut are refused with what is wrong", () => {
  const refuse = (bytes: Buffer, message: string): void =>
    assert.throws(() => readStarFits(bytes, "x.fits"), {
      name: "DataError",
      message: `Cannot read "x.fits": ${message}`,
    });
  refuse(Buffer.from("hello"), 'not a FITS file: it starts with "hello", expected "SIMPLE  ="');
  refuse(Buffer.alloc(0), 'not a FITS file: it starts with "", expected "SIMPLE  ="');
  refuse(golden("kepler_llc.fits").subarray(0, 2000), "the header of unit 0 does not end: the file is cut");
  refuse(golden("kepler_llc.fits").subarray(0, 4000), "the header of unit 1 does not end: the file is cut");
  refuse(
    golden("kepler_llc.fits").subarray(0, 20000),
    "extension 1 (LIGHTCURVE) should hold 19600 bytes of data, but the file ends after 14240",
  );
  refuse(
    tableFile({ NAXIS2: "999999999999" }),
    "extension 1 should hold 11999999999988 bytes of data, but the file ends after 2880",
  );
  refuse(
    tableFile({ NAXIS1: "99999999999999999999" }),
    "extension 1: NAXIS1 is 100000000000000000000, expected a whole number of at least 0",
  );
  refuse(tableFile({ NAXIS2: "9007199254740991" }), "extension 1: NAXIS1 is 12, expected data that fit into a file");
  refuse(tableFile({ NAXIS2: "-1" }), "extension 1: NAXIS2 is -1, expected a whole number of at least 0");
  refuse(tableFile({ BITPIX: "7" }), "extension 1: BITPIX is 7, expected 8, 16, 32, 64, -32, -64");
  refuse(tableFile({ NAXIS: "1000" }), "extension 1: NAXIS is 1000, expected at most 999");
  refuse(tableFile({ TFIELDS: "123456789" }), "extension 1: TFIELDS is 123456789, expected at most 999");
  refuse(tableFile({ NAXIS: "1" }), "extension 1: NAXIS is 1, expected 2 axes of 8-bit values in a table");
  refuse(tableFile({ TFORM1: "'999999999D'" }), "extension 1, column TIME: it ends behind its row of 12 bytes");
  refuse(
    tableFile({ NAXIS1: "0", NAXIS2: "999999999" }),
    "extension 1, column TIME: it ends behind its row of 0 bytes",
  );
  refuse(
    tableFile({ GCOUNT: "0" }),
    "extension 1, column TIME: its 3 rows of 12 bytes do not fit into the unit's 0 bytes of data",
  );
  refuse(
    tableFile({ TFORM1: "'0D'" }),
    "extension 1, column TIME: it holds 0 values a row, expected one (is this a file of pixels?)",
  );
  refuse(tableFile({ TFORM1: "'?'" }), 'extension 1: TFORM1 is "?", expected a format such as "1D"');
  refuse(
    tableFile({ TFORM1: "'E'", TFORM2: "'2E'" }),
    "extension 1, column FLUX: it holds 2 values a row, expected one (is this a file of pixels?)",
  );
  assert.throws(() => readStarFits(tableFile({ TTYPE1: "'A'" }), "x.fits"), {
    name: "DataError",
    message:
      'Cannot use "x.fits": it holds primary (image); extension 1 with columns A, FLUX; expected a table with TIME and a flux (PDCSAP_FLUX, FLUX_CORR, ...), or with FREQUENCY and POWER or PSD',
  });
  assert.throws(() => readStarFits(tableFile({ TTYPE1: "'PERIOD'", TTYPE2: "'POWER'" }), "x.fits"), {
    name: "DataError",
    message: 'Cannot use "x.fits": its column "PERIOD" is a period, expected frequencies on an even grid',
  });
});
