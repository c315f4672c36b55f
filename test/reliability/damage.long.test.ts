import test from "node:test";
import { flipBits } from "./flip-bits";

test("every single bit of a checkpoint is vouched for", { timeout: 60 * 60_000 }, (t) =>
  flipBits(t, Number.POSITIVE_INFINITY),
);
