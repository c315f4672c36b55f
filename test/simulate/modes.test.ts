import assert from "node:assert/strict";
import test from "node:test";
import { NYQUIST_UHZ } from "../../src/data/grid";
import { Random } from "../../src/random";
import { resolveStar, simulateModes } from "../../src/simulate";
import { attenuation, background } from "../../src/simulate/background";
import { listModes, type Mode, radialWidth } from "../../src/simulate/modes";
import { assertClose } from "../assert-close";
import { BRANCH_STAR, CLUMP_STAR } from "./stars";

const BAND = { lowUHz: 2.29, highUHz: 283.2, nyquistUHz: NYQUIST_UHZ };
const star = resolveStar(BRANCH_STAR);
const modes = listModes(star, BAND);

function multiplet(all: readonly Mode[], degree: number, order: number): Mode[] {
  return all.filter((mode) => mode.degree === degree && mode.order === order);
}

test("the label snr is the largest height-to-background ratio of the radial modes, with scatter or without", () => {
  for (const random of [undefined, new Random(3)]) {
    for (const spec of [BRANCH_STAR, CLUMP_STAR, { ...BRANCH_STAR, numax: 250, dnu: 17 }]) {
      const one = resolveStar(spec);
      const ratios = listModes(one, BAND, random)
        .filter(({ degree }) => degree === 0)
        .map(({ height, frequencyUHz }) => height / background(one, frequencyUHz, NYQUIST_UHZ));
      assertClose(Math.max(...ratios), one.snr, { rtol: 1e-12 });
    }
  }
});

test("radial modes stand at the asymptotic frequencies under the envelope", () => {
  const radial = modes.filter(({ degree }) => degree === 0);
  assert.ok(radial.length >= 15);
  const [first, second] = [multiplet(modes, 0, 10)[0]!, multiplet(modes, 0, 12)[0]!];
  const sigma = (0.66 * 120.2 ** 0.88) / 2.354820045;
  const shape = ({ frequencyUHz }: Mode): number =>
    attenuation(frequencyUHz, NYQUIST_UHZ) * Math.exp(-((frequencyUHz - 120.2) ** 2) / (2 * sigma * sigma));
  assertClose(first.height / second.height, shape(first) / shape(second), { rtol: 1e-9 });
});

test("a multiplet has 2l + 1 components whose heights are its shares", () => {
  const components = multiplet(modes, 2, 11);
  assert.deepEqual(
    components.map(({ azimuthal }) => azimuthal),
    [-2, -1, 0, 1, 2],
  );
  // i = 60°: 1/64, (3/8)(3/4), (3/8)(9/16)
  const total = components.reduce((sum, { height }) => sum + height, 0);
  assertClose(
    components.map(({ height }) => height / total),
    [27 / 128, 9 / 32, 1 / 64, 9 / 32, 27 / 128],
    { atol: 1e-12 },
  );
});

test("a rotated quadrupole splits by aer and a3, a rotated dipole by its mixing", () => {
  const quadrupole = multiplet(modes, 2, 11).map(({ frequencyUHz }) => frequencyUHz);
  // aer = 0.06 and a3 = 0.2 * 0.06 = 0.012 µHz: m = 1 shifts by 0.06 - 0.048, m = 2 by 0.12 + 0.024
  assertClose(
    quadrupole.map((frequency) => frequency - quadrupole[2]!),
    [-0.144, -0.012, 0, 0.012, 0.144],
    { atol: 1e-9 },
  );
  for (const central of modes.filter(({ degree, azimuthal }) => degree === 1 && azimuthal === 0)) {
    const [low, , high] = multiplet(modes, 1, central.order);
    const splitting = central.zeta * (0.35 - 0.06) + 0.06;
    assertClose(
      [high!.frequencyUHz - central.frequencyUHz, central.frequencyUHz - low!.frequencyUHz],
      [splitting, splitting],
      {
        atol: 1e-9,
      },
    );
  }
});

test("a mixed mode has the envelope's height and its width scaled by 1 - ζ", () => {
  const dipole = modes.filter(({ degree }) => degree === 1);
  assert.ok(dipole.length > 100);
  for (const { zeta, widthUHz, azimuthal, frequencyUHz } of dipole) {
    assert.ok(zeta > 0 && zeta < 1);
    if (azimuthal === 0) assertClose(widthUHz, radialWidth(star, frequencyUHz) * (1 - zeta), { rtol: 1e-12 });
  }
});

test("the total power of dipole modes is V1 times that of a pressure mode in every order", () => {
  // Σ (1 - ζ) over the mixed modes of one order is 1 where g modes are dense (Mosser+ 2015).
  const one = resolveStar({ ...CLUMP_STAR, dp: 60, inc: 0 });
  const all = listModes(one, BAND).filter(({ azimuthal }) => azimuthal === 0);
  const radial = all.filter(({ degree }) => degree === 0).map(({ frequencyUHz }) => frequencyUHz);
  for (let index = 4; index < 10; index++) {
    const between = all.filter(
      ({ degree, frequencyUHz }) => degree === 1 && frequencyUHz >= radial[index]! && frequencyUHz < radial[index + 1]!,
    );
    assertClose(
      between.reduce((sum, { zeta }) => sum + 1 - zeta, 0),
      1,
      { atol: 0.05 },
    );
  }
});

test("visibilities scale degrees 2 and 3, and a star without dipoles has none of height", () => {
  const silent = listModes(resolveStar({ ...BRANCH_STAR, vl1: 0, vl2: 2 * BRANCH_STAR.vl2 }), BAND);
  assert.ok(silent.filter(({ degree }) => degree === 1).every(({ height }) => height === 0));
  const [twice, once] = [multiplet(silent, 2, 11), multiplet(modes, 2, 11)];
  assertClose(twice[0]!.height, 2 * once[0]!.height, { rtol: 1e-12 });
});

test("scatter moves heights and widths within its percentage, never frequencies", () => {
  const scattered = listModes(star, BAND, new Random(8));
  assert.equal(scattered.length, modes.length);
  assertClose(
    scattered.map(({ frequencyUHz }) => frequencyUHz),
    modes.map(({ frequencyUHz }) => frequencyUHz),
  );
  const widths = scattered.map(({ widthUHz }, index) => widthUHz / modes[index]!.widthUHz);
  assert.ok(Math.min(...widths) >= 0.9 && Math.max(...widths) <= 1.1);
  assert.ok(Math.max(...widths) - Math.min(...widths) > 0.15);
});

test("the width is gamma at numax and rises above it", () => {
  assertClose(radialWidth(star, 120.2), 0.109, { rtol: 1e-12 });
  assertClose(radialWidth(star, 130.33), 0.109 * Math.exp(0.2), { rtol: 1e-12 });
  assertClose(radialWidth(star, 110.07), 0.109 * Math.exp(-0.05), { rtol: 1e-12 });
});

test("modes keep to the band and to 8 dnu about numax", () => {
  for (const { frequencyUHz, azimuthal } of modes) {
    if (azimuthal === 0) assert.ok(Math.abs(frequencyUHz - 120.2) <= 81.04);
  }
  const low = simulateModes({ ...CLUMP_STAR, dnu: 1, numax: 5.7, beta: 0 });
  assert.ok(low.filter(({ azimuthal }) => azimuthal === 0).every(({ frequencyUHz }) => frequencyUHz >= 2.29));
});

test("a star without a radial mode in the band is refused", () => {
  assert.throws(() => listModes(resolveStar({ ...BRANCH_STAR, numax: 500 }), BAND), {
    name: "RangeError",
    message:
      "Cannot simulate a star with numax = 500 and dnu = 10.13: expected a radial mode between 2.29 and 283.20 µHz",
  });
});
