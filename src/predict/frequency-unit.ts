/** Which unit the frequencies of a file are in: said by a header, or told by their range. */

export const FREQUENCY_UNITS = ["uHz", "mHz", "nHz", "Hz", "1/d"] as const;

/** A unit that frequencies may be given in. */
export type FrequencyUnit = (typeof FREQUENCY_UNITS)[number];

/** One of the unit in µHz. */
export const IN_UHZ: Readonly<Record<FrequencyUnit, number>> = {
  uHz: 1,
  mHz: 1e3,
  nHz: 1e-3,
  Hz: 1e6,
  "1/d": 1e6 / 86400,
};

const SPELLINGS: readonly (readonly [FrequencyUnit, RegExp])[] = [
  ["uHz", /^(?:[uμµ]|\\?mu|micro)[ $-]*h(?:z|ertz)/i],
  ["mHz", /^(?:m|milli)h(?:z|ertz)/i],
  ["nHz", /^(?:n|nano)h(?:z|ertz)/i],
  [
    "Hz",
    /^(?:h(?:z|ertz)|1\s*\/\s*s(?:ec\w*)?\b|cycles?\s*(?:\/|per)\s*s|s(?:ec)?\s*(?:\^|\*\*)?\s*[{(]?\s*[-−⁻]\s*[1¹])/i,
  ],
  ["1/d", /^(?:1\s*\/\s*d|c\s*\/\s*d|cpd|cycles?\s*(?:\/|per)\s*d|d(?:ays?)?\s*(?:\^|\*\*)?\s*[{(]?\s*[-−⁻]\s*[1¹])/i],
];

/** The unit that a text such as a FITS header's TUNIT begins with. */
export function maybeUnit(text: string): FrequencyUnit | null {
  return SPELLINGS.find(([, spelling]) => spelling.test(text.trim()))?.[0] ?? null;
}

/**
 * The unit that a header or comment names right behind the word frequency (or nu): `frequency_uHz`, `Freq [1/d]`,
 * `nu (muHz)`. The unit of the power, such as `ppm^2/uHz`, is not mistaken for it.
 */
export function maybeUnitInText(text: string): FrequencyUnit | null {
  for (const match of text.matchAll(/(?:freq(?:uency|uencies|s)?|\bnu|ν)[\s_:=,<-]*(?:in\s+)?[\s([{<$\\]*/gi)) {
    const rest = text.slice(match.index! + match[0].length);
    const unit = maybeUnit(rest);
    if (unit !== null) return unit;
  }
  return null;
}

/** Nyquist frequencies of Kepler, K2 and TESS in cycles per day: cadences of 1800, 1765, 600, 200, 120, 58.8 and 20 s. */
const NYQUIST_PER_DAY = [24, 24.47, 72, 216, 360, 734, 2160];

/** Kepler's, K2's and TESS's in mHz, of cadences of 1800 and 1765 s; shorter ones would be mistaken for other units. */
const NYQUIST_MHZ = [0.2778, 0.2832];

/** No cadence is so short as to reach so high in µHz. */
const LEAST_NHZ = 1e5;

/**
 * The unit that fits the highest frequency of a spectrum: below 0.05 only Hz does; a known Nyquist frequency in cycles per
 * day or mHz, within 1 %, tells that unit; anything else above 26 is taken as µHz, above 100 000 as nHz.
 *
 * @returns null when none is likelier than the others.
 */
export function maybeUnitOfRange(highest: number): FrequencyUnit | null {
  const isNear = (nyquist: number): boolean => Math.abs(highest / nyquist - 1) < 0.01;
  if (highest > 0 && highest < 0.05) return "Hz";
  if (NYQUIST_MHZ.some(isNear)) return "mHz";
  if (NYQUIST_PER_DAY.some(isNear)) return "1/d";
  if (highest > LEAST_NHZ) return "nHz";
  return highest > 26 ? "uHz" : null;
}
