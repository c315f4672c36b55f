/** Mean powers over stretches of a spectrum, at the cost of two look-ups each. */

import { binOfFrequency, type Grid } from "../data/grid";

/** Sums of a spectrum from its first bin on. */
export class PowerSums {
  private readonly sums: Float64Array;

  /** @param power [grid.points] */
  constructor(
    power: ArrayLike<number>,
    readonly grid: Grid,
  ) {
    this.sums = new Float64Array(power.length + 1);
    let sum = 0;
    for (let bin = 0; bin < power.length; bin++) {
      sum += power[bin]!;
      this.sums[bin + 1] = sum;
    }
  }

  /** The lowest and the highest frequency that is covered, µHz: a bin reaches half a step to either side. */
  get lowUHz(): number {
    return this.grid.firstFrequencyUHz - this.grid.stepUHz / 2;
  }

  get highUHz(): number {
    return this.lowUHz + (this.sums.length - 1) * this.grid.stepUHz;
  }

  /** The mean power between two frequencies inside the spectrum, parts of bins counted as parts. */
  mean(lowUHz: number, highUHz: number): number {
    const low = this.sumBelow(lowUHz);
    return (this.sumBelow(highUHz) - low) / ((highUHz - lowUHz) / this.grid.stepUHz);
  }

  private sumBelow(frequencyUHz: number): number {
    const place = Math.min(this.sums.length - 1, Math.max(0, binOfFrequency(frequencyUHz, this.grid) + 0.5));
    const bin = Math.floor(place);
    const here = this.sums[bin]!;
    return bin === place ? here : here + (place - bin) * (this.sums[bin + 1]! - here);
  }
}

/**
 * How much the noise scatters, whatever the spectrum was averaged, oversampled or interpolated from: the variance of the
 * mean power of a stretch, relative to its square and times its width, µHz. For independent bins of a chi-square spectrum
 * with two degrees of freedom this is the step.
 *
 * Measured between neighbouring stretches of 1 µHz; the quieter blocks of ten decide, which are those without modes.
 */
export function noiseDensity(sums: PowerSums): number {
  const count = Math.floor(sums.highUHz - sums.lowUHz);
  const logs = Array.from({ length: count }, (_, index) => {
    const low = sums.lowUHz + index;
    return Math.log(Math.max(sums.mean(low, low + 1), Number.MIN_VALUE));
  });
  const blocks: number[] = [];
  for (let start = 0; start + BLOCK <= count; start += BLOCK) {
    let sum = 0;
    // Second differences take out the slope of the background.
    for (let index = start + 1; index < start + BLOCK - 1; index++) {
      sum += (logs[index - 1]! - 2 * logs[index]! + logs[index + 1]!) ** 2 / 6;
    }
    blocks.push(sum / (BLOCK - 2));
  }
  blocks.sort((a, b) => a - b);
  return blocks[Math.floor(QUIET_SHARE * blocks.length)]! / QUIET_BIAS;
}

const BLOCK = 10;

/** A quantile of the blocks, and what it is of the true variance for noise alone (measured on simulated noise). */
const QUIET_SHARE = 0.3;
const QUIET_BIAS = 0.585;
