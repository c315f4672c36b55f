/** What a FITS file says about a star: a light curve or a power spectrum, and whose it is. */

import { columnNames, type FitsUnit, maybeReadPair, parseFits, readColumn } from "./fits";
import { type FrequencyUnit, maybeUnit } from "./frequency-unit";
import type { LightCurve } from "./light-curve";
import { OtherKindError } from "./other-kind";
import type { Spectrum } from "./resample";
import { checkSpectrum, periodColumn } from "./spectrum-check";

/** Exactly one of the two is there. */
export interface StarFile {
  readonly spectrum?: Spectrum;
  readonly curve?: LightCurve;
}

/**
 * Reads the first unit of a file that is
 *
 * - a table with a time and a flux: Kepler, K2, TESS (SPOC, QLP, TASOC), KASOC, KEPSEISMIC, lightkurve. Corrected fluxes
 *   are taken before raw ones. Samples that the quality flags call bad are left out;
 * - a table with a frequency and a power: KASOC, lightkurve; KEPSEISMIC calls them TIME and FLUX;
 * - an image of two rows or columns: frequencies and powers, or times and fluxes.
 *
 * @param unit of the frequency; absent: as the file says, else told by the range
 * @throws {OtherKindError} when the file holds nothing of this kind.
 * @throws {DataError} when it is damaged, or what it holds is no spectrum.
 */
export function readStarFits(bytes: Buffer, path: string, unit?: FrequencyUnit): StarFile {
  const units = parseFits(bytes, path);
  for (const candidate of units) {
    const found = candidate.kind === "table" ? maybeFromTable(candidate, units, unit) : maybeFromImage(candidate, unit);
    if (found !== null) return found;
  }
  const found = units.map(({ name, kind, ...rest }) =>
    kind === "table"
      ? `${name} with columns ${columnNames({ name, kind, ...rest })
          .slice(0, 12)
          .join(", ")}`
      : `${name} (${kind})`,
  );
  throw new OtherKindError(
    `Cannot use "${path}": it holds ${found.slice(0, 6).join("; ")}; expected a table with TIME and a flux ` +
      `(${FLUX_COLUMNS.slice(0, 2).join(", ")}, ...), or with FREQUENCY and POWER or PSD`,
    { path },
  );
}

/** Whose file it is (`KIC 6117517`, `EPIC 201121245`, `TIC 38846515`); null when its headers do not say. */
export function targetOf(units: readonly FitsUnit[]): string | null {
  for (const { header } of units) {
    const object = /^(KIC|EPIC|TIC)[\s_-]*0*(\d+)$/i.exec(String(header.get("OBJECT") ?? "").trim());
    if (object !== null) return `${object[1]!.toUpperCase()} ${object[2]}`;
    for (const [key, catalogue] of [
      ["KEPLERID", "KIC"],
      ["TICID", "TIC"],
    ] as const) {
      const id = header.get(key);
      if (typeof id === "number" && id > 0) return `${catalogue} ${id}`;
    }
  }
  return null;
}

/** Whether the tables or images of a file hold a time and a flux, as far as names tell. */
export function looksLikeLightCurve(units: readonly FitsUnit[]): boolean {
  return units.some(
    (unit) =>
      unit.kind === "table" &&
      pick(columnNames(unit), TIME_COLUMNS) !== undefined &&
      pick(columnNames(unit), FLUX_COLUMNS) !== undefined,
  );
}

/** The flux columns of the archives, the best corrected first. */
const FLUX_COLUMNS = [
  ...["PDCSAP_FLUX", "FLUX_CORR", "CORR_FLUX", "KSPSAP_FLUX", "DET_FLUX", "FCOR", "CAL_PSF_FLUX", "CAL_APER_FLUX"],
  ...["FLUX", "SAP_FLUX", "FLUX_RAW", "RAW_FLUX"],
];
const TIME_COLUMNS = ["TIME", "BJD", "BKJD", "BTJD", "T"];
const QUALITY_COLUMNS = ["SAP_QUALITY", "QUALITY"];
const FREQUENCY_COLUMN = /^(freq|nu$)/i;
const POWER_COLUMN = /^(pow|psd|pds|spec|ampl)/i;

/** No light curve lasts less than a tenth of a day, and no spectrum in Hz reaches higher. */
const LEAST_LAST_DAY = 0.1;

function maybeFromTable(table: FitsUnit, units: readonly FitsUnit[], unit: FrequencyUnit | undefined): StarFile | null {
  const names = columnNames(table);
  const frequency = names.find((name) => FREQUENCY_COLUMN.test(name));
  const power = names.find((name) => POWER_COLUMN.test(name));
  if (frequency !== undefined && power !== undefined) {
    const [x, y] = [readColumn(table, frequency), readColumn(table, power)];
    const isAmplitude = /^ampl/i.test(power) || /^(ppm|ppt|electron ?(\/ ?s|s-1))$/i.test(y.unit);
    const columns = { frequency: x.values, power: y.values, nameOf: rowName, isAmplitude };
    return { spectrum: checkSpectrum(columns, table.path, unit ?? maybeUnit(x.unit) ?? undefined) };
  }
  const time = pick(names, TIME_COLUMNS);
  if (time === undefined) {
    const period = names.find((name) => /^period/i.test(name));
    if (period !== undefined && power !== undefined) throw periodColumn(table.path, period);
    return null;
  }
  const fluxes = FLUX_COLUMNS.map((wanted) => pick(names, [wanted])).filter((name) => name !== undefined);
  if (fluxes.length === 0) return null;
  const times = readColumn(table, time);
  if (!times.values.some((value) => value > LEAST_LAST_DAY)) {
    // KEPSEISMIC's spectra: TIME is the frequency in Hz.
    const columns = { frequency: times.values, power: readColumn(table, fluxes[0]!).values, nameOf: rowName };
    return { spectrum: checkSpectrum(columns, table.path, unit ?? "Hz") };
  }
  return {
    curve: curveFromTable(table, units, times.values, /^s(ec|econds?)?$/i.test(times.unit) ? 1 / 86400 : 1, fluxes),
  };
}

function curveFromTable(
  table: FitsUnit,
  units: readonly FitsUnit[],
  times: Float64Array,
  days: number,
  fluxNames: readonly string[],
): LightCurve {
  let flux = readColumn(table, fluxNames[0]!).values;
  let used = fluxNames[0]!;
  for (const name of fluxNames.slice(1)) {
    if (flux.some(Number.isFinite)) break;
    used = name;
    flux = readColumn(table, name).values;
  }
  const qualityName = pick(columnNames(table), QUALITY_COLUMNS);
  const notes: string[] = [];
  if (used !== fluxNames[0]) notes.push(`${fluxNames[0]} is empty: ${used} taken`);
  else if (/^(SAP_FLUX|FLUX_RAW|RAW_FLUX)$/i.test(used)) notes.push(`${used} taken: not corrected for the instrument`);
  if (qualityName === undefined) return { path: table.path, timeDays: times.map((time) => time * days), flux, notes };
  const quality = readColumn(table, qualityName).values;
  const bad = badBits(units);
  let isGood = (index: number): boolean => (quality[index]! & bad) === 0;
  const good = quality.reduce((count, _, index) => count + (isGood(index) ? 1 : 0), 0);
  if (good < quality.length / 2) {
    notes.push(`quality flags of ${quality.length - good} of ${quality.length} samples not heeded: more than half`);
    isGood = () => true;
  }
  return {
    path: table.path,
    timeDays: times.map((time) => time * days),
    flux: flux.map((value, index) => (isGood(index) ? value : Number.NaN)),
    notes,
  };
}

/**
 * The quality bits of samples to leave out: for Kepler and K2 attitude tweak, safe mode, coarse point, Earth point,
 * desaturation, manual exclude, detector anomaly, no data, thruster firing (Kepler Archive Manual, table 2-3); for TESS the
 * like, Argabrightening and impulsive outliers (TESS Science Data Products, table 32); any bit for others.
 */
function badBits(units: readonly FitsUnit[]): number {
  const telescope = units.map(({ header }) => String(header.get("TELESCOP") ?? "")).join(" ");
  if (/kepler|k2/i.test(telescope)) return 1 | 2 | 4 | 8 | 32 | 256 | 16384 | 65536 | 1048576;
  return /tess/i.test(telescope) ? 1 | 2 | 4 | 8 | 16 | 32 | 128 | 512 | 16384 : ~0;
}

function maybeFromImage(image: FitsUnit, unit: FrequencyUnit | undefined): StarFile | null {
  const pair = maybeReadPair(image);
  if (pair === null) return null;
  const [x, y] = pair;
  if (y.some((value) => value < 0)) return { curve: { path: image.path, timeDays: x, flux: y, notes: [] } };
  const isHertz = !x.some((value) => value > LEAST_LAST_DAY);
  const known = unit ?? (isHertz ? "Hz" : undefined);
  return { spectrum: checkSpectrum({ frequency: x, power: y, nameOf: rowName }, image.path, known) };
}

const rowName = (index: number): string => `row ${index}`;

/** The first of the wanted names that is there, as the file writes it. */
function pick(names: readonly string[], wanted: readonly string[]): string | undefined {
  for (const name of wanted) {
    const found = names.find((candidate) => candidate.trim().toUpperCase() === name);
    if (found !== undefined) return found;
  }
  return undefined;
}
