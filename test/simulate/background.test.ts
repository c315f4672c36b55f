import test from "node:test";
import { KEPLER_GRID, NYQUIST_UHZ } from "../../src/data/grid";
import { attenuation, background, fillBackground, granulation } from "../../src/simulate/background";
import { granulationAt, resolveStar } from "../../src/simulate/star";
import { assertClose } from "../assert-close";
import { golden } from "./golden";
import { BRANCH_STAR } from "./stars";

for (const expected of golden.background) {
  const star = resolveStar({
    ...BRANCH_STAR,
    numax: expected.numax,
    dnu: expected.numax / 12,
    beta: 0,
    whiteNoise: 7.5,
  });

  test(`the background at numax ${expected.numax} is the published one`, () => {
    assertClose(granulationAt(expected.numax).granulationAmplitudePpm, expected.amplitude, { rtol: 1e-10 });
    assertClose(granulationAt(expected.numax).granulationKneesUHz, expected.knees, { rtol: 1e-10 });
    for (const [index, frequency] of expected.frequencies.entries()) {
      assertClose(attenuation(frequency, NYQUIST_UHZ), expected.attenuation[index]!, { rtol: 1e-10 });
      assertClose(background(star, frequency, NYQUIST_UHZ), expected.values[index]!, { rtol: 1e-10 });
    }
  });

  test(`granulation at numax ${expected.numax} holds the power of its two amplitudes`, () => {
    let power = 0;
    for (let frequency = 0.005; frequency < 4000; frequency += 0.01) power += granulation(star, frequency) * 0.01;
    assertClose(power, expected.powers[0]! + expected.powers[1]!, { rtol: 1e-3 });
  });
}

test("white noise is not attenuated and everything else is", () => {
  const star = resolveStar(BRANCH_STAR);
  const attenuated = background(star, NYQUIST_UHZ, NYQUIST_UHZ) - star.whiteNoise;
  assertClose(attenuated / granulation(star, NYQUIST_UHZ), (2 / Math.PI) ** 2, { rtol: 1e-12 });
});

test("all bins at once are the bins one by one", () => {
  const star = resolveStar(BRANCH_STAR);
  const frequencies = [0, 17, 35691].map((bin) => KEPLER_GRID.firstFrequencyUHz + bin * KEPLER_GRID.stepUHz);
  const all = new Float64Array(KEPLER_GRID.points);
  const attenuations = all.map((_, bin) =>
    attenuation(KEPLER_GRID.firstFrequencyUHz + bin * KEPLER_GRID.stepUHz, NYQUIST_UHZ),
  );
  fillBackground(star, KEPLER_GRID, attenuations, all);
  assertClose(
    [all[0]!, all[17]!, all[35691]!],
    frequencies.map((frequency) => background(star, frequency, NYQUIST_UHZ)),
    { rtol: 1e-13 },
  );
});
