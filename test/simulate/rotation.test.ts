import assert from "node:assert/strict";
import test from "node:test";
import { inclinationShares, rotationalShift, shearPolynomial } from "../../src/simulate/rotation";
import { assertClose } from "../assert-close";
import { golden } from "./golden";

test("shares of power are those of the associated Legendre functions", () => {
  for (const { degree, inclination, shares } of golden.shares) {
    assertClose(inclinationShares(degree, inclination), shares, {
      atol: 1e-12,
      what: `l = ${degree}, i = ${inclination}`,
    });
  }
});

test("shares of power sum to 1 at every inclination", () => {
  for (let inclination = 0; inclination <= 90; inclination += 2.5) {
    for (let degree = 0; degree <= 3; degree++) {
      const [zero, ...others] = inclinationShares(degree, inclination);
      assertClose(zero! + 2 * others.reduce((sum, share) => sum + share, 0), 1, { atol: 1e-13 });
    }
  }
});

test("seen pole-on only m = 0 shows, seen equator-on the central dipole component vanishes", () => {
  for (let degree = 1; degree <= 3; degree++) assertClose(inclinationShares(degree, 0)[0]!, 1, { atol: 1e-15 });
  assertClose(inclinationShares(1, 90), [0, 0.5], { atol: 1e-15 });
});

test("a degree above 3 is refused", () => {
  assert.throws(() => inclinationShares(4, 10), { name: "RangeError", message: /degree 4: expected 0 to 3/ });
});

test("the shear polynomial is the third orthogonal polynomial in m", () => {
  for (const { degree, values } of golden.shear) {
    const actual = values.map((_, index) => shearPolynomial(degree, index - degree));
    assertClose(actual, values, { atol: 1e-12 });
  }
});

test("a dipole splits by half the core's rotation when g-like and by the envelope's when p-like", () => {
  const star = { acr: 1.2, aer: 0.1, a3: 0.3 };
  assertClose(rotationalShift(star, 1, 1, 1), 0.6, { atol: 1e-15 });
  assertClose(rotationalShift(star, 1, -1, 0), -0.1, { atol: 1e-15 });
  assertClose(rotationalShift(star, 1, 1, 0.5), 0.35, { atol: 1e-15 });
  assert.equal(rotationalShift(star, 0, 0, 0), 0);
});

test("degrees 2 and 3 split by the envelope's rotation and the shear", () => {
  const star = { acr: 1.2, aer: 0.1, a3: 0.3 };
  // a3 in µHz is 0.03; P3(2, 1) = -4, P3(2, 2) = 2, P3(3, 2) = -3
  assertClose(rotationalShift(star, 2, 1, 0), 0.1 - 0.12, { atol: 1e-15 });
  assertClose(rotationalShift(star, 2, -2, 0), -0.2 - 0.06, { atol: 1e-15 });
  assertClose(rotationalShift(star, 3, 2, 0), 0.2 - 0.09, { atol: 1e-15 });
});
