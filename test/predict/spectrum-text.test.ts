import assert from "node:assert/strict";
import test from "node:test";
import { DataError } from "../../src/errors";
import { maybeUnitInText, maybeUnitOfRange } from "../../src/predict/frequency-unit";
import { OtherKindError } from "../../src/predict/other-kind";
import { parseSpectrumText } from "../../src/predict/spectrum-text";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

const BINS = 200;
/** Lines of `frequency power` with frequencies (1 + k) * step and powers k + 0.5. */
function lines(separator: string, step = 1.5, write = (value: number): string => String(value)): string[] {
  return Array.from({ length: BINS }, (_, k) => `${write((1 + k) * step)}${separator}${write(k + 0.5)}`);
}

test("blanks, tabs, commas, semicolons with decimal commas, headers, comments and CRLF are read", () => {
  const comma = (value: number): string => String(value).replace(".", ",");
  const files: Record<string, string> = {
    blanks: ["# a star", "", ...lines("   ")].join("\n"),
    indented: lines(" ")
      .map((line) => `  ${line}  `)
      .join("\n"),
    tabs: [...lines("\t"), ""].join("\r\n"),
    commas: ["frequency_uHz,power", ...lines(", ")].join("\n"),
    semicolons: ["frequency;power", ...lines(";", 1.5, comma)].join("\n"),
    mark: `\uFEFF% matlab\n! fortran\n${lines(" ").join("\n")}`,
    exponents: lines(" ", 1.5, (value) => value.toExponential(6)).join("\n"),
    fortran: lines(" ", 1.5, (value) => value.toExponential(6).replace("e", "D")).join("\n"),
    tabsAndCommas: ["frequency\tpower", ...lines("\t", 1.5, comma)].join("\n"),
    blanksAndCommas: lines("  ", 1.5, comma).join("\n"),
    quoted: ['"","frequency","power"', ...lines(",", 1.5, (value) => `"${value}"`).map((line) => `"7",${line}`)].join(
      "\n",
    ),
    units: ["Frequency (uHz)  Power (ppm^2/uHz)", ...lines("  ")].join("\n"),
    words: ["Frequency (uHz) Power Spectral Density [ppm^2/uHz]", ...lines(" ")].join("\n"),
    prose: ["# KIC 9332840 power spectrum, frequency in uHz", ...lines(" ")].join("\n"),
    unitLine: [
      "power,frequency",
      "ppm^2/uHz,uHz",
      ...lines(",").map((line) => `${line.split(",")[1]},${line.split(",")[0]}`),
    ].join("\n"),
    swapped: [
      "power (ppm^2/uHz), error, freq (uHz)",
      ...lines(",").map((line) => `${line.split(",")[1]},9,${line.split(",")[0]}`),
    ].join("\n"),
  };
  for (const [name, text] of Object.entries(files)) {
    const { frequencyUHz, power } = parseSpectrumText(text, "star.txt");
    assertClose(
      frequencyUHz,
      Float64Array.from({ length: BINS }, (_, k) => (1 + k) * 1.5),
      { rtol: 1e-12, what: name },
    );
    assertClose(
      power,
      Float64Array.from({ length: BINS }, (_, k) => k + 0.5),
      { rtol: 1e-12, what: name },
    );
  }
});

test("the unit named behind the word frequency is found, the power's is not taken for it", () => {
  const named = {
    "# columns: frequency_uHz power": "uHz",
    "Frequency (µHz), PSD": "uHz",
    "Frequency [μHz]": "uHz",
    "freq (muHz) psd": "uHz",
    "Frequency ($\\mu$Hz)": "uHz",
    "frequency (\\muHz)": "uHz",
    "nu [microHz]": "uHz",
    "frequency in mHz": "mHz",
    "freq_hz,power": "Hz",
    "Frequency (1/d), Power": "1/d",
    "freq [c/d]": "1/d",
    "Frequency (cycles/day)": "1/d",
    "Freq day^-1": "1/d",
    "Frequency (d⁻¹)": "1/d",
    "freq [d**-1]": "1/d",
    "frequency (nHz)": "nHz",
    "Frequency [s^-1]": "Hz",
    "Frequency (s⁻¹)": "Hz",
    "freq (1/s)": "Hz",
    "nu (cycles/second)": "Hz",
    "frequency, power (ppm^2/uHz)": null,
    "# PSD ppm^2/uHz, 4-yr Kepler": null,
    "# numax = 120 uHz": null,
  } as const;
  for (const [text, unit] of Object.entries(named)) assert.equal(maybeUnitInText(text), unit, text);
});

test("without a name the range tells Hz, cycles per day at a Nyquist frequency, and µHz", () => {
  const ranges: [number, string | null][] = [
    [283.21e-6, "Hz"],
    [8.5e-3, "Hz"],
    [24.47, "1/d"],
    [360, "1/d"],
    [283.21, "uHz"],
    [277.8, "uHz"],
    [0.28321, "mHz"],
    [283210, "nHz"],
    [8496000, "nHz"],
    [8496, "uHz"],
    [12, null],
    [0.3, null],
  ];
  for (const [highest, unit] of ranges) assert.equal(maybeUnitOfRange(highest), unit, String(highest));
});

test("frequencies are brought to µHz, and a unit guessed from the range is said", () => {
  const perDay = lines(" ", 24.47 / BINS).join("\n");
  const guessed = parseSpectrumText(perDay, "star.txt");
  assertClose(guessed.frequencyUHz.at(-1)!, 283.218, { rtol: 1e-5 });
  assert.deepEqual(guessed.notes, ["frequencies taken as 1/d, from their range (no header says the unit)"]);
  assertClose(parseSpectrumText(perDay, "star.txt", "mHz").frequencyUHz.at(-1)!, 24470, { rtol: 1e-12 });
  const named = parseSpectrumText(`# frequency_uHz power\n${perDay}`, "star.txt");
  assertClose(named.frequencyUHz.at(-1)!, 24.47, { rtol: 1e-12 });
  assert.deepEqual(named.notes, []);
});

/** Exponential powers, as of a spectrum of noise. */
function noisePowers(): number[] {
  const random = new Random(8);
  return Array.from({ length: 2000 }, () => -Math.log(random.uniform()));
}

test("amplitudes are squared where a header names them; where none does the reader is told", () => {
  const rows = (value: (power: number) => number): string =>
    noisePowers()
      .map((power, k) => `${k + 1} ${value(power)}`)
      .join("\n");
  const expected = parseSpectrumText(`# freq_uHz power\n${rows((power) => power)}`, "star.txt");
  assert.deepEqual(expected.notes, []);
  for (const header of ["# frequency (uHz) amplitude (ppm)", "freq_uHz amp", "Frequency [uHz]\tAmpl. [ppm]"]) {
    const { power, notes } = parseSpectrumText(`${header}\n${rows(Math.sqrt)}`, "star.txt");
    assertClose(power, expected.power, { rtol: 1e-12 });
    assert.deepEqual(notes, ["amplitudes squared to powers"], header);
  }
  const unnamed = parseSpectrumText(`# frequency_uHz\n${rows(Math.sqrt)}`, "star.txt");
  // √3 but for chance: 2000 bins tell it to 3 %.
  assert.match(
    unnamed.notes.join(),
    /^powers scatter by a factor of 1\.[78], those of a power spectrum by 3: are they amplitudes \(to be squared: name the column "amplitude"\) or averages of several bins\? HNR depends on it$/,
  );
});

test("zeros are kept and counted", () => {
  const text = lines(" ")
    .map((line, k) => (k % 20 === 0 ? line.replace(/\S+$/, "0") : line))
    .join("\n");
  assert.match(parseSpectrumText(text, "star.txt").notes.join(), /10 of 200 powers are 0: raised to the floor/);
});

test("descending frequencies are reversed, and a bin at frequency 0 is left out, whatever it holds", () => {
  const expected = parseSpectrumText(`frequency_uHz power\n${lines(" ").join("\n")}`, "star.txt");
  const reversed = parseSpectrumText(`frequency_uHz power\n${lines(" ").reverse().join("\n")}`, "star.txt");
  assert.deepEqual(reversed, expected);
  assert.deepEqual(parseSpectrumText(`frequency_uHz power\n0 nan\n${lines(" ").join("\n")}`, "star.txt"), expected);
});

test("columns named time and flux make a light curve, whose power spectrum is computed", () => {
  const random = new Random(3);
  const rows = Array.from({ length: 3000 }, (_, index) => [
    (131 + index / 48).toFixed(6),
    index === 70 ? "nan" : (5000 + 3 * random.normal()).toFixed(4),
  ]);
  const text = (header: string, order = [0, 1]): string =>
    [header, ...rows.map((row) => order.map((column) => row[column] ?? "1").join(" "))].join("\n");
  const expected = parseSpectrumText(text("time flux"), "star.txt");
  assert.match(expected.notes.join(), /^power spectrum of a light curve: 2999 samples over 62.5 days/);
  // White noise of 600 ppm at a cadence of 1800 s.
  const mean = expected.power.subarray(100).reduce((a, b) => a + b, 0) / (expected.power.length - 100);
  assertClose(mean, 2 * 600 ** 2 * 1800e-6, { rtol: 0.15 });
  for (const [header, order] of [
    ["# BJD (d)  Flux [e-/s]", [0, 1]],
    ["TIME FLUX_RAW_ERR SAP_FLUX", [0, 2, 1]],
    ["time flux_raw corr_flux", [0, 2, 1]],
    ["# columns: time flux flux_err", [0, 1, 2]],
    ["time_days flux_ppm", [0, 1]],
    ["BJD_TDB (d)  PDCSAP flux (e-/s)", [0, 1]],
  ] as const) {
    assert.deepEqual(parseSpectrumText(text(header, [...order]), "star.txt").power, expected.power, header);
  }
});

test("samples that a light curve marks as missing, in any way, are left out", () => {
  const random = new Random(4);
  const rows = Array.from({ length: 1000 }, (_, index) => [`${131 + index / 48}`, `${5000 + 3 * random.normal()}`]);
  const text = (mark: string): string =>
    rows.map(([time, flux], index) => `${time},${index % 100 === 7 ? mark : flux}`).join("\n");
  const expected = parseSpectrumText(`time,flux\n${text("nan")}`, "star.txt");
  assert.match(expected.notes.join(), /^power spectrum of a light curve: 990 samples/);
  for (const mark of ["", "NA", "N/A", "null", "--", "None"]) {
    assert.deepEqual(parseSpectrumText(`time,flux\n${text(mark)}`, "star.txt"), expected, mark);
  }
  // The first rows, too: as pandas writes them.
  const late = parseSpectrumText(`time,flux\n,\n,5000\n${text("")}`, "star.txt");
  assert.deepEqual(late, expected);
});

test("files that are something else are refused with what would be right", () => {
  const refuse = (text: string, message: string): void =>
    assert.throws(() => parseSpectrumText(text, "s.txt"), { name: "DataError", message });
  const smooth = Array.from({ length: 300 }, (_, index) => `${131 + index / 48} ${5000 + (index % 7)}`).join("\n");
  refuse(
    smooth,
    'Cannot use "s.txt": its powers scatter by a factor of 1.00, those of a power spectrum by about 3; is it a light curve (name its columns in a header such as "time flux") or smoothed?',
  );
  const residuals = Array.from({ length: 300 }, (_, index) => `${131 + index / 48} ${(index % 7) - 3}`).join("\n");
  refuse(
    residuals,
    'Cannot use "s.txt": 43 % of its powers are negative; is it a light curve (name its columns in a header such as "time flux")?',
  );
  refuse(
    `period_days power\n${lines(" ").join("\n")}`,
    'Cannot use "s.txt": its column "period_days" is a period, expected frequencies on an even grid',
  );
  refuse("time flux\n1 2\n2 x", 'Cannot read "s.txt": line 3 is "2 x", expected a time and a flux');
});

test("a file is of another kind when neither names nor numbers tell of a spectrum", () => {
  const isOther = (text: string): boolean => {
    try {
      parseSpectrumText(text, "s.txt");
    } catch (error) {
      assert.ok(error instanceof DataError);
      return error instanceof OtherKindError;
    }
    return assert.fail("no error");
  };
  const spectrum = lines(" ").join("\n");
  const others = [
    "kic,file,numax\n6117517,KIC06117517_famed.txt,118.59\n9332840,KIC09332840_taco.txt,39.99\n",
    "Three red giants observed by Kepler.\nTheir licences are beside them.\n",
    "#\n  fmax fmax_e dnu\n 120.2 0.2 10.1\n#\n  l freq freq_err\n  0 83.9 0.1\n",
  ];
  for (const text of others) assert.ok(isOther(text), text);
  const spectra = [
    "",
    "frequency_uHz power\n1 x\n",
    `${spectrum}\n301.5`,
    `frequency_uHz power\n${lines(" ").slice(0, 50).join("\n")}`,
  ];
  for (const text of spectra) assert.ok(!isOther(text), text);
  assert.throws(() => parseSpectrumText(others[1]!, "s.txt"), {
    message: 'Cannot read "s.txt": it holds no line of numbers, expected a frequency and a power',
  });
});

test("every bad line is named with its number", () => {
  const changed = (line: number, content: string): string =>
    ["# frequency_uHz power", ...lines(" ")].map((old, index) => (index === line - 1 ? content : old)).join("\n");
  const table: [string, string][] = [
    [changed(7, "9 nan"), 'Cannot use "s.txt": line 7: the power is NaN, expected a finite number of at least 0'],
    [changed(7, "9 -2"), 'Cannot use "s.txt": line 7: the power is -2, expected a finite number of at least 0'],
    [changed(7, "9 inf"), 'Cannot use "s.txt": line 7: the power is Infinity, expected a finite number of at least 0'],
    [changed(7, "NaN 3"), 'Cannot use "s.txt": line 7: the frequency is NaN, expected a finite number of at least 0'],
    [changed(2, "-1 3"), 'Cannot use "s.txt": line 2: the frequency is -1, expected a finite number of at least 0'],
    [
      changed(7, "7.5 3"),
      'Cannot use "s.txt": line 7: the frequency 7.5 repeats the one before it (7.5), expected ascending ones',
    ],
    [
      changed(7, "1 3"),
      'Cannot use "s.txt": line 7: the frequency 1 lies below the one before it (7.5), expected ascending ones',
    ],
    [changed(7, "9"), 'Cannot read "s.txt": line 7 is "9", expected a frequency and a power'],
    [changed(7, "9 x"), 'Cannot read "s.txt": line 7 is "9 x", expected a frequency and a power'],
    ["# nothing\n", 'Cannot use "s.txt": it holds 0 frequencies, expected a power spectrum of at least 100'],
    [
      lines(" ", 0.05).join("\n"),
      'Cannot use "s.txt": frequencies up to 10 may be in several units; name one of uHz, mHz, nHz, Hz, 1/d in a header such as "frequency_uHz power"',
    ],
  ];
  for (const [text, message] of table) {
    assert.throws(
      () => parseSpectrumText(text, "s.txt"),
      (error) => {
        assert.ok(error instanceof DataError);
        assert.equal(error.message, message);
        return true;
      },
    );
  }
});
