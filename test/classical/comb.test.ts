import test from "node:test";
import { noiseDensity, PowerSums } from "../../src/classical/cells";
import { CombSearch, expectedDnu } from "../../src/classical/comb";
import { frequencyOfBin, KEPLER_GRID, POINTS } from "../../src/data/grid";
import { Random } from "../../src/random";
import { assertClose } from "../assert-close";

/** Noise whose level swings with the period dnu / 2, as dipole modes between radial ones make it. */
function swinging(dnu: number, seed: number): PowerSums {
  const random = new Random(seed);
  const power = Float64Array.from({ length: POINTS }, (_, bin) => {
    const level = 1 + 0.8 * Math.cos((4 * Math.PI * frequencyOfBin(bin, KEPLER_GRID)) / dnu);
    return -level * Math.log(random.uniform());
  });
  return new PowerSums(power, KEPLER_GRID);
}

test("of combs that are as strong, the one with the more usual dnu is taken, and what it is unusual costs", () => {
  const numax = 100;
  const expected = expectedDnu(numax);
  const found = (factor: number, seed: number) => {
    const sums = swinging(factor * expected, seed);
    return new CombSearch().at(sums, numax, noiseDensity(sums), "power")!;
  };
  // The third multiple of a comb of 3/2 dnu is the second of the comb itself.
  for (const seed of [1, 2, 3, 4]) {
    assertClose(found(0.9, seed).dnu, 0.9 * expected, { rtol: 0.01 }); // not 1.35
    assertClose(found(0.8, seed).dnu, 1.2 * expected, { rtol: 0.01 }); // not 0.8
  }
});
