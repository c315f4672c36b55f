/** A few numbers that tell what kind of spectrum a network is shown, whatever star it belongs to. */

/** Half-octave bands above the first 128th of the bins, which is a band of its own. */
const OCTAVES = 7;
const BANDS = 1 + 2 * OCTAVES;

/** Numbers per spectrum: two of each band, and the correlation of neighbours. */
export const STATISTICS = 2 * BANDS + 1;

/**
 * Writes, band after band, the logarithm of the mean power and the mean of its logarithm; then how strongly logarithms of
 * neighbouring bins go together. The first shows the shape of the background and where power stands out, the difference
 * of the two how the noise is distributed (0.577 for single bins of a chi-square spectrum), the last oversampling.
 *
 * @param spectrum [inputs] as the network gets it, all positive
 * @param out receives `STATISTICS` numbers from `offset` on
 */
export function writeSpectrumStatistics(spectrum: Float32Array, out: Float32Array, offset: number): void {
  const { length } = spectrum;
  let sum = 0;
  let squares = 0;
  let products = 0;
  let previous = 0;
  let start = 0;
  for (let band = 0; band < BANDS; band++) {
    const end = Math.max(start + 1, Math.round(length * 2 ** ((band - 2 * OCTAVES) / 2)));
    let power = 0;
    let logs = 0;
    for (let bin = start; bin < end; bin++) {
      const value = spectrum[bin]!;
      const log = Math.log(value);
      power += value;
      logs += log;
      squares += (log - previous) ** 2;
      products += log * log;
      previous = log;
    }
    out[offset + 2 * band] = Math.log(power / (end - start));
    out[offset + 2 * band + 1] = logs / (end - start);
    sum += logs;
    start = end;
  }
  const variance = products / length - (sum / length) ** 2;
  out[offset + 2 * BANDS] = variance > 0 ? 1 - squares / length / (2 * variance) : 1;
}

/** Neighbours that correlate more than that are one and the same bin. */
const LARGEST_CORRELATION = 0.99;

/**
 * How many bins of a spectrum make one that is independent of the others, from the correlation of neighbours: about 1 for
 * four years of Kepler on the network's grid, in proportion to 1 / T for shorter observations.
 *
 * @param statistics [STATISTICS] of the spectrum
 */
export function oversamplingOf(statistics: Float32Array): number {
  const correlation = Math.min(LARGEST_CORRELATION, Math.max(0, statistics[2 * BANDS]!));
  return 1 / (1 - correlation);
}

/** The statistics of one spectrum: [STATISTICS] */
export function spectrumStatistics(spectrum: Float32Array): Float32Array {
  const out = new Float32Array(STATISTICS);
  writeSpectrumStatistics(spectrum, out, 0);
  return out;
}
