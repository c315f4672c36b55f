/** Which unit the frequencies of a file are in: said by a header, or told by their range. */

export const FREQUENCY_UNITS = ["uHz", "mHz", "Hz", "1/d"] as const;

export type FrequencyUnit = (typeof FREQUENCY_UNITS)[number];

/** One of the unit in µHz. */
export const IN_UHZ: Readonly<Record<FrequencyUnit, number>> = { uHz: 1, mHz: 1e3, Hz: 1e6, "1/d": 1e6 / 86400 };

const SPELLINGS: readonly (readonly [FrequencyUnit, RegExp])[] = [
  ["uHz", /^(?:[uμµ]|\\?mu|micro)[ $-]*h(?:z|ertz)/i],
  ["mHz", /^(?:m|milli)h(?:z|ertz)/i],
  ["Hz", /^h(?:z|ertz)/i],
  ["1/d", /^(?:1\s*\/\s*d|c\s*\/\s*d|cpd|cycles?\s*(?:\/|per)\s*d|d(?:ays?)?\s*\^?\s*\{?-1)/i],
];

/**
 * The unit that a header or comment names right behind the word frequency (or nu): `frequency_uHz`, `Freq [1/d]`,
 * `nu (muHz)`. The unit of the power, such as `ppm^2/uHz`, is not mistaken for it.
 */
export function maybeUnitInText(text: string): FrequencyUnit | null {
  for (const match of text.matchAll(/(?:freq(?:uency|uencies|s)?|\bnu|ν)[\s_:=,<-]*(?:in\s+)?[\s([{<$\\]*/gi)) {
    const rest = text.slice(match.index! + match[0].length);
    for (const [unit, spelling] of SPELLINGS) if (spelling.test(rest)) return unit;
  }
  return null;
}

/** Nyquist frequencies of Kepler, K2 and TESS in cycles per day: cadences of 1800, 1765, 600, 200, 120, 58.8 and 20 s. */
const NYQUIST_PER_DAY = [24, 24.47, 72, 216, 360, 734, 2160];

/**
 * The unit that fits the highest frequency of a spectrum: below 0.05 only Hz does; a known Nyquist frequency in cycles per
 * day, within 1 %, tells that unit; anything else above 26 is taken as µHz.
 *
 * @returns null when none is likelier than the others.
 */
export function maybeUnitOfRange(highest: number): FrequencyUnit | null {
  if (highest > 0 && highest < 0.05) return "Hz";
  if (NYQUIST_PER_DAY.some((nyquist) => Math.abs(highest / nyquist - 1) < 0.01)) return "1/d";
  return highest > 26 ? "uHz" : null;
}
