import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  localSeparation,
  pressureModeConstants,
  pressureModeFrequency,
  pressureModeOrder,
} from "../../src/simulate/pressure-modes";
import { assertClose } from "../assert-close";

const constants = pressureModeConstants({ dnu: 10, epp: 0.2, numax: 112, deltaPercent: 2, beta: 0.11 });

test("the constants follow the star: n_max, curvature and shifts", () => {
  assertClose(constants.orderAtNumax, 11, { atol: 1e-12 });
  assertClose(constants.curvature, 0.01, { atol: 1e-12 });
  assertClose(constants.shifts, [0, -0.04, -0.12, -0.24], { atol: 1e-15 });
});

test("frequencies follow the asymptotic relation, worked by hand", () => {
  // n = 13: 10 (13 + 0.2 + 0.01/2 * 4) = 132.2; l = 2, n = 10: 10 (10 + 0.2 + 1 - 0.12 + 0.005) = 110.85
  assertClose(pressureModeFrequency(constants, 13, 0), 132.2, { atol: 1e-9 });
  assertClose(pressureModeFrequency(constants, 10, 2), 110.85, { atol: 1e-9 });
});

test("the continuous order inverts the frequency, with and without curvature", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 19, noNaN: true }),
      fc.double({ min: 0, max: 0.05, noNaN: true }),
      fc.integer({ min: 0, max: 3 }),
      fc.double({ min: -7, max: 8, noNaN: true }),
      (dnu, curvature, degree, distance) => {
        const numax = 11 * dnu;
        const star = pressureModeConstants({ dnu, epp: 0.4, numax, deltaPercent: 2.2, beta: curvature * 10.6 });
        const order = star.orderAtNumax + distance;
        const back = pressureModeOrder(star, pressureModeFrequency(star, order, degree), degree);
        assertClose(back, order, { atol: 1e-9 });
      },
    ),
  );
});

test("the local separation is the derivative of frequency by order", () => {
  const step = 1e-4;
  const rise = pressureModeFrequency(constants, 8 + step, 1) - pressureModeFrequency(constants, 8 - step, 1);
  assertClose(localSeparation(constants, 8), rise / (2 * step), { rtol: 1e-9 });
  assert.ok(localSeparation(constants, 8) < 10 && localSeparation(constants, 14) > 10);
});
