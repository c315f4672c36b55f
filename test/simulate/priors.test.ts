import assert from "node:assert/strict";
import test from "node:test";
import { classCount, HEAD_NAMES, type HeadName, PARAMETERS } from "../../src/data/parameters";
import { PRIOR_NAMES, type PriorName, type Star, starOf } from "../../src/simulate";
import { isPriorName } from "../../src/simulate/priors";
import { assertClose } from "../assert-close";

const COUNT = 20_000;

const drawn = Object.fromEntries(
  PRIOR_NAMES.map((prior) => [
    prior,
    Array.from({ length: COUNT }, (_, row) => starOf(prior, { seed: 21, shard: 0, row })),
  ]),
) as Record<PriorName, Star[]>;

function sorted(prior: PriorName, value: (star: Star) => number): Float64Array {
  return Float64Array.from(drawn[prior], value).sort();
}

function quantiles(values: Float64Array, ...fractions: number[]): number[] {
  return fractions.map((fraction) => values[Math.floor(fraction * values.length)]!);
}

const stello = (dnu: number): number => (dnu / 0.263) ** (1 / 0.77);

test("population: dnu has the quantiles of the Kepler giants of Yu+ 2018 to 5 %", () => {
  const actual = quantiles(
    sorted("population", ({ dnu }) => dnu),
    0.05,
    0.25,
    0.5,
    0.75,
    0.95,
  );
  assertClose(actual, [2.25, 3.92, 4.44, 7.04, 14.4], { rtol: 0.05 });
});

test("population: numax has the quantiles of Yu+ 2018 to 10 %", () => {
  const actual = quantiles(
    sorted("population", ({ numax }) => numax),
    0.05,
    0.25,
    0.5,
    0.75,
    0.95,
  );
  assertClose(actual, [16, 31, 41, 77, 186], { rtol: 0.1 });
});

test("population: numax scatters about the scaling relation as observed, with tails to 25 %", () => {
  const ratio = sorted("population", ({ numax, dnu }) => numax / stello(dnu));
  assertClose(quantiles(ratio, 0.05, 0.5, 0.95), [0.86, 1.005, 1.17], { rtol: 0.02 });
  // The log-normal alone has 0.6 % below 0.8; one star in ten is uniform over 0.75-1.25.
  const below = ratio.filter((value) => value < 0.8).length / COUNT;
  assert.ok(below > 0.011 && below < 0.02, `${below}`);
});

test("population: dp follows the branch's sequence for most stars of large dnu, and spans the heads' range", () => {
  const large = drawn.population.filter(({ dnu }) => dnu > 10);
  const near = large.filter(({ dp, dnu }) => Math.abs(dp - 60 - 1.7 * dnu) < 6).length / large.length;
  assert.ok(near > 0.65 && near < 0.85, `${near}`);
  const clump = drawn.population.filter(({ dnu }) => dnu > 3.9 && dnu < 4.4);
  const high = clump.filter(({ dp }) => dp > 220 && dp < 360).length / clump.length;
  assert.ok(high > 0.6 && high < 0.95, `${high}`);
  const all = sorted("population", ({ dp }) => dp);
  assert.ok(all[0]! >= 40 && all[0]! < 45 && all[COUNT - 1]! > 490 && all[COUNT - 1]! <= 500);
});

test("population: widths, visibilities and ratios have the stated ranges", () => {
  const branch = Float64Array.from(
    drawn.population.filter(({ dnu }) => dnu > 10),
    ({ gamma }) => gamma,
  ).sort();
  assertClose(quantiles(branch, 0.25, 0.5), [0.09, 0.108], { rtol: 0.08 });
  const snr = sorted("population", (star) => star.snr);
  assertClose(quantiles(snr, 0.25, 0.5, 0.75), [11.8, 34.6, 101.9], { rtol: 0.06 });
  const vl1 = sorted("population", (star) => star.vl1);
  assert.ok(vl1[0]! < 0.03 && vl1[COUNT - 1]! <= 2.5);
  const depressed = drawn.population.filter((star) => star.vl1 < 0.5).length / COUNT;
  assert.ok(depressed > 0.13 && depressed < 0.19, `${depressed}`);
  const vl2 = sorted("population", (star) => star.vl2);
  assert.ok(vl2[COUNT - 1]! > 1.05 && vl2[COUNT - 1]! <= 1.1);
});

test("population: q is stronger and the core slower in the clump than on the branch", () => {
  const median = (stars: Star[], name: HeadName): number =>
    quantiles(Float64Array.from(stars, (star) => star[name]).sort(), 0.5)[0]!;
  const branch = drawn.population.filter(({ dnu }) => dnu > 10);
  const clump = drawn.population.filter(({ dnu, dp }) => dnu > 3.9 && dnu < 4.4 && dp > 220);
  assertClose([median(branch, "q"), median(clump, "q")], [0.165, 0.3], { atol: 0.02 });
  assertClose([median(branch, "acr"), median(clump, "acr")], [0.8, 0.17], { rtol: 0.15 });
});

test("flat: every class of every head is reached", () => {
  const counts = new Map(HEAD_NAMES.map((name) => [name, new Uint32Array(classCount(PARAMETERS[name].edges))]));
  for (const star of drawn.flat) {
    for (const name of HEAD_NAMES) {
      const { edges } = PARAMETERS[name];
      const found = edges.findIndex((edge) => edge > star[name]) - 1;
      assert.ok(found >= 0, `${name} = ${star[name]} lies outside its classes`);
      counts.get(name)![found]!++;
    }
  }
  for (const [name, perClass] of counts) {
    assert.ok(
      perClass.every((count) => count > 0),
      `${name}: ${perClass.join(" ")}`,
    );
  }
});

test("flat: parameters are uniform, numax aside", () => {
  for (const [name, low, high] of [
    ["dnu", 1, 19],
    ["dp", 40, 500],
    ["q", 0, 0.75],
    ["acr", 0.05, 2.8],
    ["aer", 0.1, 0.4],
    ["inc", 0, 90],
    ["snr", 2, 170],
    ["vl1", 0.3, 2.5],
  ] as const) {
    const values = sorted("flat", (star) => star[name]);
    const expected = [0.1, 0.5, 0.9].map((fraction) => low + fraction * (high - low));
    assertClose(quantiles(values, 0.1, 0.5, 0.9), expected, { atol: 0.015 * (high - low), what: name });
  }
});

test("reference: ranges are those of the original's configuration", () => {
  for (const [name, low, high] of [
    ["dnu", 1, 19],
    ["dp", 40, 500],
    ["q", 0, 0.65],
    ["acr", 0.005, 2.8],
    ["aer", 0.005, 0.4],
    ["a3", -0.4, 0.4],
    ["inc", 0, 90],
    ["epp", 0, 1],
    ["epg", 0, 1],
    ["snr", 10, 160],
    ["gamma", 0.05, 0.14],
    ["vl1", 0.3, 2.5],
    ["vl2", 0.15, 0.8],
    ["vl3", 0, 0.1],
    ["deltaPercent", 0.2, 5],
    ["beta", 0, 0.1],
  ] as const) {
    const values = sorted("reference", (star) => star[name]);
    const slack = 0.02 * (high - low);
    assert.ok(values[0]! >= low && values[0]! < low + slack, `${name} from ${values[0]}`);
    assert.ok(values[COUNT - 1]! <= high && values[COUNT - 1]! > high - slack, `${name} to ${values[COUNT - 1]}`);
  }
  const ratio = sorted("reference", ({ numax, dnu }) => numax / stello(dnu));
  assert.ok(ratio[0]! >= 0.9 && ratio[COUNT - 1]! <= 1.1);
  assert.ok(drawn.reference.every(({ a3 }) => Math.abs(a3) >= 0.05));
});

test("reference: dnu and dp are mixed as in the original", () => {
  const share = (stars: readonly Star[], holds: (star: Star) => boolean): number =>
    stars.filter(holds).length / stars.length;
  assertClose(
    share(drawn.reference, ({ dnu }) => dnu < 9),
    0.6,
    { atol: 0.015 },
  );
  const [low, high] = [drawn.reference.filter(({ dnu }) => dnu < 9), drawn.reference.filter(({ dnu }) => dnu >= 9)];
  assertClose(
    share(low, ({ dp }) => dp < 150),
    0.5,
    { atol: 0.02 },
  );
  assertClose(
    share(high, ({ dp }) => dp < 150),
    0.9,
    { atol: 0.015 },
  );
  assertClose(
    share(drawn.reference, ({ aer }) => aer < 0.2),
    0.8,
    { atol: 0.015 },
  );
  assert.ok(high.every(({ q }) => q <= 0.5));
});

test("inclinations are isotropic: uniform in cos i", () => {
  for (const prior of ["population", "reference"] as const) {
    const values = sorted(prior, ({ inc }) => inc);
    const expected = [0.1, 0.5, 0.9].map((fraction) => (Math.acos(1 - fraction) * 180) / Math.PI);
    assertClose(quantiles(values, 0.1, 0.5, 0.9), expected, { atol: 1.5 });
  }
});

test("every label varies under every prior, and phases lie in [0, 1)", () => {
  for (const prior of PRIOR_NAMES) {
    for (const name of HEAD_NAMES) {
      const values = new Set(drawn[prior].slice(0, 100).map((star) => star[name]));
      assert.ok(values.size > 95, `${prior}: ${name}`);
    }
    assert.ok(drawn[prior].every(({ epp, epg }) => epp >= 0 && epp < 1 && epg >= 0 && epg < 1));
  }
});

test("names of priors are recognised", () => {
  assert.ok(isPriorName("flat"));
  assert.ok(!isPriorName("uniform"));
});
