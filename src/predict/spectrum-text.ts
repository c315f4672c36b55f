/** Two columns of text -> a power spectrum or a light curve, with every line checked. */

import { DataError } from "../errors";
import { type FrequencyUnit, maybeUnitInText } from "./frequency-unit";
import { lightCurveSpectrum } from "./light-curve";
import { OtherKindError } from "./other-kind";
import type { Spectrum } from "./resample";
import { checkSpectrum, LEAST_BINS, periodColumn } from "./spectrum-check";

/**
 * Parses columns separated by blanks, commas, tabs or semicolons. Lines that start with `#`, `%` or `!` are comments; first
 * lines that are no numbers are headers, whose names pick the columns; without names the first two are taken. A comma
 * inside numbers that semicolons, tabs or blanks separate is a decimal comma. Amplitudes are squared. Columns named time and
 * flux, in a header or the last comment, make a light curve in days, whose power spectrum is computed without the samples
 * that are missing.
 *
 * @param unit of the frequency; absent: as the header or a comment says, else told by the range
 * @throws {OtherKindError} when neither names nor numbers tell of such columns.
 * @throws {DataError} naming the line that is wrong.
 */
export function parseSpectrumText(text: string, path: string, unit?: FrequencyUnit): Spectrum {
  const comments: string[] = [];
  const headers: string[] = [];
  const frequencies: number[] = [];
  const powers: number[] = [];
  const lines: number[] = [];
  let columns: NamedColumns | null = null;
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
      headers.push(content);
      continue;
    }
    columns ??= columnsNamedIn(headers, comments.at(-1) ?? "", fields.length, path);
    const [frequency, power] = [fields[columns.x], fields[columns.y]].map((field) =>
      columns?.isTime && field !== undefined && MISSING.test(field) ? "nan" : field,
    );
    if (frequency === undefined || power === undefined || !isNumber(frequency) || !isNumber(power)) {
      const shown = content.length > 40 ? `${content.slice(0, 40)}...` : content;
      const isOther = columns === FIRST_TWO && lines.length < LEAST_BINS;
      throw new (isOther ? OtherKindError : DataError)(
        `Cannot read "${path}": line ${lineNumber} is ${JSON.stringify(shown)}, expected ${columns.isTime ? "a time and a flux" : "a frequency and a power"}`,
        { path, row: lines.length },
      );
    }
    frequencies.push(toNumber(frequency));
    powers.push(toNumber(power));
    lines.push(lineNumber);
  }
  if (columns?.isTime) {
    const curve = { path, timeDays: Float64Array.from(frequencies), flux: Float64Array.from(powers), notes: [] };
    return lightCurveSpectrum([curve]);
  }
  if (columns === null && headers.length > 0) {
    throw new OtherKindError(`Cannot read "${path}": it holds no line of numbers, expected a frequency and a power`, {
      path,
    });
  }
  const named = comments.map(maybeUnitInText).find((found) => found !== null) ?? undefined;
  return checkSpectrum(
    {
      frequency: Float64Array.from(frequencies),
      power: Float64Array.from(powers),
      nameOf: (index) => `line ${lines[index]}`,
      isAmplitude: columns?.isAmplitude,
    },
    path,
    unit ?? named,
  );
}

/** What programs write for samples that a light curve lacks; in a spectrum nothing may be missing. */
const MISSING = /^(|-+|n\/?a|null|none)$/i;

/** Numbers as they are written where semicolons, tabs or blanks stand between them. */
const DECIMAL_COMMA = /^[+-]?(\d+(,\d+)?([ed][+-]?\d+)?|nan)$/i;

function splitFields(content: string): string[] {
  const plain = (field: string): string => field.trim().replace(/^"(.*)"$/, "$1");
  const withPoint = (field: string): string => plain(field).replace(",", ".");
  if (content.includes(";")) return content.split(";").map(withPoint);
  const words = content.split(/\s+/);
  if (!content.includes(",")) return words.map(plain);
  if (words.length > 1 && words.every((word) => DECIMAL_COMMA.test(word))) return words.map(withPoint);
  return content.split(",").map(plain);
}

function isNumber(field: string): boolean {
  return /^[+-]?nan$/i.test(field) || (field !== "" && !Number.isNaN(toNumber(field)));
}

/** As other programs write numbers: `1.5e3`, `inf`, and `1.5d3` of Fortran. */
function toNumber(field: string): number {
  return Number(field.replace(/^([+-]?)inf(inity)?$/i, "$1Infinity").replace(/(\d\.?)d([+-]?\d+)$/i, "$1e$2"));
}

interface NamedColumns {
  readonly x: number;
  readonly y: number;
  readonly isTime: boolean;
  readonly isAmplitude: boolean;
}

const FIRST_TWO: NamedColumns = { x: 0, y: 1, isTime: false, isAmplitude: false };

/** The columns of `count` that a header names, or the last comment when it names as many as there are; else the first two. */
function columnsNamedIn(headers: readonly string[], comment: string, count: number, path: string): NamedColumns {
  for (const header of headers) {
    const found = namedColumns(namesIn(header), path);
    if (found !== null && found.x < count && found.y < count) return found;
  }
  const names = namesIn(comment.replace(/^[#%!\s]*(columns?\s*:)?/i, ""));
  return (names.length === count ? namedColumns(names, path) : null) ?? FIRST_TWO;
}

/** Units in brackets are no names. */
function namesIn(line: string): string[] {
  return splitFields(line.replace(/[([][^)\]]*[)\]]/g, "").trim());
}

/** More than three words are no name: "KIC 9332840 power spectrum, frequency in µHz" describes the file. */
const PROSE = /\S\s+\S+\s+\S+\s+\S/;

/** The columns that names point to; null when they do not name both. */
function namedColumns(names: readonly string[], path: string): NamedColumns | null {
  const find = (wanted: RegExp, unwanted = /^$/): number =>
    names.findIndex((name) => wanted.test(name) && !unwanted.test(name) && !PROSE.test(name));
  const frequency = find(/freq|^nu\b|ν/i);
  const power = find(/pow|psd|pds|spec/i, /freq/i);
  const amplitude = find(/^amp(l|litudes?)?(?![a-z])/i);
  if (frequency >= 0 && power >= 0) return { x: frequency, y: power, isTime: false, isAmplitude: false };
  if (frequency >= 0 && amplitude >= 0) return { x: frequency, y: amplitude, isTime: false, isAmplitude: true };
  if (frequency >= 0) return null;
  const time = find(/^(time|[bhm]?jd|b[kt]jd)(?![a-z])|^t\b/i);
  const flux = [/corr?.*flux|flux.*corr?|pdcsap/i, /flux/i].map((wanted) => find(wanted, /err|unc|bkg|raw/i));
  const y = flux.find((index) => index >= 0);
  if (time >= 0 && y !== undefined) return { x: time, y, isTime: true, isAmplitude: false };
  const period = find(/^period/i);
  if (period >= 0 && power >= 0) throw periodColumn(path, names[period]!);
  return null;
}
