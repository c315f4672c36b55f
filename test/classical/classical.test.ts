import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { ClassicalEstimator, DETECTION_STRENGTH, shareDetected } from "../../src/classical";
import { noiseDensity, PowerSums } from "../../src/classical/cells";
import { leastSquares, solve } from "../../src/classical/least-squares";
import { frequencyOfBin, type Grid, KEPLER_GRID, NYQUIST_UHZ, POINTS } from "../../src/data/grid";
import { EXAMPLE_STARS_FOLDER, readStars, type StarSpectrum } from "../../src/predict";
import { Random } from "../../src/random";
import { Simulator, starOf } from "../../src/simulate";
import { background } from "../../src/simulate/background";
import { Observer } from "../../src/simulate/observation";
import { assertClose } from "../assert-close";

const estimator = new ClassicalEstimator();

/** Granulation and white noise of a star of the population, without its modes. */
function noiseOf(row: number, grid: Grid = KEPLER_GRID): Float64Array {
  const star = starOf("population", { seed: 41, row });
  const random = new Random(42, row);
  return Float64Array.from({ length: grid.points }, (_, bin) => {
    return -background(star, frequencyOfBin(bin, grid), NYQUIST_UHZ) * Math.log(random.uniform());
  });
}

test("mean powers over stretches count parts of bins", () => {
  const grid = { points: 4, firstFrequencyUHz: 10, stepUHz: 2 };
  const sums = new PowerSums([1, 3, 5, 7], grid);
  assert.deepEqual([sums.lowUHz, sums.highUHz], [9, 17]);
  assertClose(sums.mean(9, 17), 4, { rtol: 1e-12 });
  assertClose(sums.mean(11, 13), 3, { rtol: 1e-12 });
  assertClose(sums.mean(10, 12), 2, { rtol: 1e-12 });
});

test("the density of the noise is the step, for single bins as for averaged and oversampled ones", () => {
  const [fine, averaged, repeated] = [[], [], []] as number[][];
  for (let row = 0; row < 8; row++) {
    const noise = noiseOf(row);
    const density = (power: Float64Array): number =>
      noiseDensity(new PowerSums(power, KEPLER_GRID)) / KEPLER_GRID.stepUHz;
    fine!.push(density(noise));
    averaged!.push(density(noise.map((_, bin) => (noise[bin]! + noise[Math.min(POINTS - 1, bin + 1)]!) / 2)));
    repeated!.push(density(noise.map((_, bin) => noise[bin - (bin % 4)]!)));
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value) / values.length;
  assertClose(mean(fine!), 1, { atol: 0.15 });
  assertClose(mean(averaged!), 1, { atol: 0.15 });
  assertClose(mean(repeated!), 4, { atol: 0.6 });
});

test("least squares finds what NumPy's exact fit finds", () => {
  const x = [0, 1, 2, 3, 4, 5];
  // y = 2 exp(-0.7 x) + 0.5 exactly
  const y = x.map((value) => 2 * Math.exp(-0.7 * value) + 0.5);
  const residuals = (p: Float64Array, out: Float64Array): void => {
    for (const [k, value] of x.entries()) out[k] = y[k]! - (p[0]! * Math.exp(-p[1]! * value) + p[2]!);
  };
  assertClose(leastSquares(residuals, 6, [1, 0.3, 0]).parameters, [2, 0.7, 0.5], { rtol: 1e-6 });
  // numpy.linalg.solve([[0, 2, 1], [1, -1, 0], [3, 0, -2]], [5, -1, 2]) = [12/7, 19/7, -3/7] by Cramer's rule
  const matrix = [
    [0, 2, 1],
    [1, -1, 0],
    [3, 0, -2],
  ];
  const right = [2 * (19 / 7) - 3 / 7, 12 / 7 - 19 / 7, 3 * (12 / 7) + 6 / 7];
  assertClose(solve(matrix, right), [12 / 7, 19 / 7, -3 / 7], { rtol: 1e-12 });
});

test("granulation and noise alone are hardly ever taken for oscillations, whatever the bins are", () => {
  let detected = 0;
  for (let row = 0; row < 60; row++) if (estimator.estimate(noiseOf(row), KEPLER_GRID).isDetected) detected++;
  const averaged = (power: Float64Array): Float64Array => {
    return power.map(
      (_, bin) => (power[bin]! + power[Math.min(bin + 1, POINTS - 1)]! + power[Math.min(bin + 2, POINTS - 1)]!) / 3,
    );
  };
  const repeated = (power: Float64Array): Float64Array => power.map((_, bin) => power[bin - (bin % 10)]!);
  for (let row = 200; row < 210; row++) {
    if (estimator.estimate(averaged(noiseOf(row)), KEPLER_GRID).isDetected) detected++;
    if (estimator.estimate(repeated(noiseOf(row)), KEPLER_GRID).isDetected) detected++;
  }
  // At one in a hundred, four or more of 80 come once in a hundred times.
  assert.ok(detected <= 3, `${detected} of 80`);
});

test("simulated stars of any height are found, with numax and dnu", () => {
  const simulator = new Simulator();
  const power = new Float32Array(POINTS);
  const [missed, dnuErrors, numaxErrors] = [[], [], []] as number[][];
  for (let row = 0; row < 60; row++) {
    const star = starOf("population", { seed: 43, row });
    simulator.writeSpectrum(star, { seed: 43, row }, power);
    const { isDetected, dnu, numax } = estimator.estimate(power, KEPLER_GRID);
    if (!isDetected) {
      missed!.push(star.snr);
      continue;
    }
    dnuErrors!.push(Math.abs(dnu / star.dnu - 1));
    numaxErrors!.push(Math.abs(numax / star.numax - 1));
  }
  // Missed are faint combs, and those of giants with dnu below 2 whose modes are as wide as the gaps between them.
  assert.ok(missed!.length <= 3, `missed at snr ${missed!.map(Math.round)}`);
  const quantile = (values: number[], part: number): number =>
    values.sort((a, b) => a - b)[Math.floor(part * values.length)]!;
  assert.ok(
    quantile(dnuErrors!, 0.5) < 0.008 && quantile(dnuErrors!, 0.95) < 0.03,
    `dnu ${quantile(dnuErrors!, 0.95)}`,
  );
  assert.ok(
    quantile(numaxErrors!, 0.5) < 0.045 && quantile(numaxErrors!, 0.95) < 0.13,
    `numax ${quantile(numaxErrors!, 0.95)}`,
  );
});

test("a spectrum and the same divided by its background or in another unit agree", () => {
  const simulator = new Simulator();
  const star = starOf("population", { seed: 44, row: 3 });
  const power = new Float64Array(POINTS);
  simulator.writeSpectrum(star, { seed: 44, row: 3 }, power);
  const divided = power.map((value, bin) => value / background(star, frequencyOfBin(bin), NYQUIST_UHZ));
  const raw = estimator.estimate(power, KEPLER_GRID);
  const other = estimator.estimate(divided, KEPLER_GRID);
  assert.ok(raw.isDetected && other.isDetected);
  assertClose(other.numax, raw.numax, { rtol: 0.03 });
  assertClose(other.dnu, raw.dnu, { rtol: 0.005 });
  const scaled = estimator.estimate(
    power.map((value) => value * 1e-9),
    KEPLER_GRID,
  );
  assertClose([scaled.numax, scaled.dnu, scaled.strength], [raw.numax, raw.dnu, raw.strength], { rtol: 1e-6 });
});

test("for most stars numax does not tell whether the spectrum was divided by its background", () => {
  const simulator = new Simulator();
  const power = new Float64Array(POINTS);
  const ratios: number[] = [];
  for (let row = 0; row < 20; row++) {
    const star = starOf("population", { seed: 49, row });
    simulator.writeSpectrum(star, { seed: 49, row }, power);
    const divided = power.map((value, bin) => value / background(star, frequencyOfBin(bin), NYQUIST_UHZ));
    const [raw, other] = [estimator.estimate(power, KEPLER_GRID), estimator.estimate(divided, KEPLER_GRID)];
    if (raw.isDetected && other.isDetected) ratios.push(other.numax / raw.numax);
  }
  // Undone, the division moves the hump by 7 %. What is left is what the star's background differs from the usual one.
  const near = ratios.filter((ratio) => Math.abs(ratio - 1) < 0.03).length;
  assert.ok(ratios.length >= 18 && near >= 0.7 * ratios.length, `${near} of ${ratios.length}`);
});

test("the part of the giants that shows a comb after so many days is the one that is said", () => {
  const power = new Float32Array(POINTS);
  for (const days of [27, 180]) {
    const observer = new Observer({ days: [days, days], gaps: 0 });
    let detected = 0;
    const stars = 150;
    for (let row = 0; row < stars; row++) {
      const source = { seed: 52, row };
      observer.writeSpectrum(starOf("population", source), source, new Random(53, row), power);
      if (estimator.estimate(power, KEPLER_GRID).isDetected) detected++;
    }
    const share = shareDetected(days);
    // Three standard deviations of a count.
    assertClose(detected / stars, share, { atol: 3 * Math.sqrt((share * (1 - share)) / stars) });
  }
});

test("spectra of short observations on grids of their own are read too", () => {
  const grid: Grid = { points: 1550, firstFrequencyUHz: 2.19, stepUHz: 0.1815 }; // 64 days
  const simulator = new Simulator({ grid });
  const power = new Float64Array(grid.points);
  let [right, detected, stars] = [0, 0, 0];
  for (let row = 0; row < 60; row++) {
    const star = { ...starOf("population", { seed: 45, row }), snr: 100 };
    if (star.dnu < 3.5) continue; // hardly resolved
    stars++;
    simulator.writeSpectrum(star, { seed: 45, row }, power);
    const { isDetected, dnu } = estimator.estimate(power, grid);
    if (isDetected) detected++;
    if (isDetected && Math.abs(dnu / star.dnu - 1) < 0.05) right++;
  }
  assert.ok(right >= 0.7 * stars, `${right} of ${stars}`);
  // Of the power itself, with all dnu equally likely, one in ten has a comb of 3/2 dnu.
  assert.ok(right >= 0.95 * detected, `${right} of ${detected} detected`);
});

// Literature: Yu+ 2018 (ApJS 236 42).
const STARS = [
  { file: "KIC06117517_famed.txt.gz", numax: 118.59, dnu: 10.076 },
  { file: "KIC09332840_taco.txt.gz", numax: 39.99, dnu: 4.422 },
  { file: "KIC11618103_pysyd.txt.gz", numax: 106.86, dnu: 9.325 },
];

test("Kepler stars come out as in the literature", async () => {
  for (const { file, numax, dnu } of STARS) {
    const stars = readStars(join(EXAMPLE_STARS_FOLDER, file), { points: POINTS, grid: KEPLER_GRID });
    const star = (await stars.next()).value as StarSpectrum;
    const estimate = estimator.estimate(star.power, KEPLER_GRID);
    assert.ok(estimate.strength > 5 * DETECTION_STRENGTH, `${file} ${estimate.strength}`);
    assertClose(estimate.numax, numax, { rtol: 0.05, what: file });
    assertClose(estimate.dnu, dnu, { rtol: 0.02, what: file });
  }
});
