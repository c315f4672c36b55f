/** Two columns of text -> frequencies and powers, with every line checked. */

import { DataError } from "../errors";
import { FREQUENCY_UNITS, type FrequencyUnit, IN_UHZ, maybeUnitInText, maybeUnitOfRange } from "./frequency-unit";
import type { Spectrum } from "./resample";

/** Fewer bins are no spectrum that can be resampled. */
const LEAST_BINS = 100;

/** Numbers with the line each pair comes from, for messages. */
export interface Columns {
  readonly frequency: Float64Array;
  readonly power: Float64Array;
  /** What a pair is called in messages: `line 17`, `row 17`. */
  readonly nameOf: (index: number) => string;
}

/**
 * Parses columns separated by blanks, commas, tabs or semicolons. Lines that start with `#`, `%` or `!` are comments; a
 * first line that is no number is a header, whose names pick the columns; without names the first two are taken. In files
 * with semicolons a comma is a decimal comma.
 *
 * @param unit of the frequency; absent: as the header or a comment says, else told by the range
 * @throws {DataError} naming the line that is wrong.
 */
export function parseSpectrumText(text: string, path: string, unit?: FrequencyUnit): Spectrum {
  const comments: string[] = [];
  const frequencies: number[] = [];
  const powers: number[] = [];
  const lines: number[] = [];
  let columns = { frequency: 0, power: 1 };
  let lineNumber = 0;
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    lineNumber++;
    const content = line.trim();
    if (content === "") continue;
    if (/^[#%!]/.test(content)) {
      comments.push(content);
      continue;
    }
    const fields = splitFields(content);
    if (lines.length === 0 && !isNumber(fields[0]!)) {
      comments.push(content);
      columns = namedColumns(fields) ?? columns;
      continue;
    }
    const frequency = fields[columns.frequency];
    const power = fields[columns.power];
    if (frequency === undefined || power === undefined || !isNumber(frequency) || !isNumber(power)) {
      const shown = content.length > 40 ? `${content.slice(0, 40)}...` : content;
      throw new DataError(
        `Cannot read "${path}": line ${lineNumber} is ${JSON.stringify(shown)}, expected a frequency and a power`,
        { path, row: lines.length },
      );
    }
    frequencies.push(toNumber(frequency));
    powers.push(toNumber(power));
    lines.push(lineNumber);
  }
  const named = comments.map(maybeUnitInText).find((found) => found !== null) ?? undefined;
  return checkSpectrum(
    {
      frequency: Float64Array.from(frequencies),
      power: Float64Array.from(powers),
      nameOf: (index) => `line ${lines[index]}`,
    },
    path,
    unit ?? named,
  );
}

/**
 * Checks frequencies and powers, and brings the frequencies to µHz.
 *
 * @throws {DataError} when there are too few, a frequency or power is not finite, frequencies do not ascend, a power is
 *   negative, or the unit cannot be told.
 */
export function checkSpectrum({ frequency, power, nameOf }: Columns, path: string, unit?: FrequencyUnit): Spectrum {
  const fail = (index: number, problem: string): DataError =>
    new DataError(`Cannot use "${path}": ${nameOf(index)}: ${problem}`, { path, row: index });
  if (frequency.length < LEAST_BINS) {
    throw new DataError(
      `Cannot use "${path}": it holds ${frequency.length} frequencies, expected a power spectrum of at least ${LEAST_BINS}`,
      { path },
    );
  }
  for (let index = 0; index < frequency.length; index++) {
    const [f, p] = [frequency[index]!, power[index]!];
    if (!Number.isFinite(f) || f < 0)
      throw fail(index, `the frequency is ${f}, expected a finite number of at least 0`);
    if (!(p >= 0 && p < Infinity)) throw fail(index, `the power is ${p}, expected a finite number of at least 0`);
    if (index === 0 || f > frequency[index - 1]!) continue;
    const relation = f === frequency[index - 1]! ? "repeats" : "lies below";
    throw fail(
      index,
      `the frequency ${f} ${relation} the one before it (${frequency[index - 1]}), expected ascending ones`,
    );
  }
  const highest = frequency.at(-1)!;
  const known = unit ?? maybeUnitOfRange(highest);
  if (known === null) {
    throw new DataError(
      `Cannot use "${path}": frequencies up to ${highest} may be in several units; name one of ` +
        `${FREQUENCY_UNITS.join(", ")} in a header such as "frequency_uHz power"`,
      { path },
      { isRequest: true },
    );
  }
  const zeros = power.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
  const notes = [
    ...(unit === undefined ? [`frequencies taken as ${known}, from their range (no header says the unit)`] : []),
    ...(zeros > 0 ? [`${zeros} of ${power.length} powers are 0: raised to the floor`] : []),
  ];
  return { path, frequencyUHz: frequency.map((value) => value * IN_UHZ[known]), power, notes };
}

function splitFields(content: string): string[] {
  if (content.includes(";")) return content.split(";").map((field) => field.trim().replace(",", "."));
  return content.includes(",") ? content.split(",").map((field) => field.trim()) : content.split(/\s+/);
}

function isNumber(field: string): boolean {
  return /^[+-]?nan$/i.test(field) || (field !== "" && !Number.isNaN(toNumber(field)));
}

/** As other programs write numbers: `1.5e3`, `inf`, and `1.5d3` of Fortran. */
function toNumber(field: string): number {
  return Number(field.replace(/^([+-]?)inf(inity)?$/i, "$1Infinity").replace(/(\d\.?)d([+-]?\d+)$/i, "$1e$2"));
}

/** The columns that a header's names point to; null when they do not name both. */
function namedColumns(names: readonly string[]): { frequency: number; power: number } | null {
  const frequency = names.findIndex((name) => /freq|^nu\b|ν/i.test(name));
  const power = names.findIndex((name) => /pow|psd|pds|spec/i.test(name) && !/freq/i.test(name));
  return frequency >= 0 && power >= 0 ? { frequency, power } : null;
}
