/** Two columns of text -> a power spectrum or a light curve, with every line checked. */

import { DataError } from "../errors";
import { type FrequencyUnit, maybeUnitInText } from "./frequency-unit";
import { lightCurveSpectrum } from "./light-curve";
import type { Spectrum } from "./resample";
import { checkSpectrum, periodColumn } from "./spectrum-check";

/**
 * Parses columns separated by blanks, commas, tabs or semicolons. Lines that start with `#`, `%` or `!` are comments; a
 * first line that is no number is a header, whose names pick the columns; without names the first two are taken. In files
 * with semicolons a comma is a decimal comma. Columns named time and flux, in the header or the last comment, make a light
 * curve in days, whose power spectrum is computed.
 *
 * @param unit of the frequency; absent: as the header or a comment says, else told by the range
 * @throws {DataError} naming the line that is wrong.
 */
export function parseSpectrumText(text: string, path: string, unit?: FrequencyUnit): Spectrum {
  const comments: string[] = [];
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
      columns = namedColumns(fields, path);
      continue;
    }
    columns ??= columnsOfComment(comments.at(-1) ?? "", fields.length, path) ?? FIRST_TWO;
    const frequency = fields[columns.x];
    const power = fields[columns.y];
    if (frequency === undefined || power === undefined || !isNumber(frequency) || !isNumber(power)) {
      const shown = content.length > 40 ? `${content.slice(0, 40)}...` : content;
      throw new DataError(
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

interface NamedColumns {
  readonly x: number;
  readonly y: number;
  readonly isTime: boolean;
}

const FIRST_TWO: NamedColumns = { x: 0, y: 1, isTime: false };

/** The columns that a comment names, when it names as many as there are; units in brackets are no names. */
function columnsOfComment(comment: string, count: number, path: string): NamedColumns | null {
  const names = splitFields(
    comment
      .replace(/^[#%!\s]*(columns?\s*:)?/i, "")
      .replace(/[([][^)\]]*[)\]]/g, "")
      .trim(),
  );
  return names.length === count ? namedColumns(names, path) : null;
}

/** The columns that a header's names point to; null when they do not name both. */
function namedColumns(names: readonly string[], path: string): NamedColumns | null {
  const find = (wanted: RegExp, unwanted = /^$/): number =>
    names.findIndex((name) => wanted.test(name) && !unwanted.test(name));
  const frequency = find(/freq|^nu\b|ν/i);
  const power = find(/pow|psd|pds|spec/i, /freq/i);
  if (frequency >= 0 && power >= 0) return { x: frequency, y: power, isTime: false };
  if (frequency >= 0) return null;
  const time = find(/^(time|t|b[kt]?jd)\b/i);
  const flux = [/corr?.*flux|flux.*corr?|pdcsap/i, /flux/i].map((wanted) => find(wanted, /err|unc|bkg|raw/i));
  const y = flux.find((index) => index >= 0);
  if (time >= 0 && y !== undefined) return { x: time, y, isTime: true };
  const period = find(/^period/i);
  if (period >= 0 && power >= 0) throw periodColumn(path, names[period]!);
  return null;
}
