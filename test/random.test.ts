import assert from "node:assert/strict";
import test from "node:test";
import { hash32, Random } from "../src/random";

test("the generator is xoshiro128**", () => {
  // First outputs for the state 1, 2, 3, 4, worked out by hand from the published recurrence:
  // rotl(s1 * 5, 7) * 9 with s1 = 2 -> 10 << 7 = 1280 -> 11520; after one step s1 = 2 ^ (3 ^ 1) = 0 -> 0.
  const random = Random.fromState([1, 2, 3, 4]);
  assert.equal(random.uint32(), 11520);
  assert.equal(random.uint32(), 0);
});

test("the same seed and stream give the same numbers, another stream gives others", () => {
  const draw = (random: Random): number[] => Array.from({ length: 8 }, () => random.uint32());
  assert.deepEqual(draw(new Random(7, 1, 2)), draw(new Random(7, 1, 2)));
  assert.notDeepEqual(draw(new Random(7, 1, 2)), draw(new Random(7, 2, 1)));
  assert.notDeepEqual(draw(new Random(7)), draw(new Random(8)));
  assert.notDeepEqual(draw(new Random(2 ** 40)), draw(new Random(0)));
});

test("a stored state continues the sequence", () => {
  const random = new Random(3);
  random.uint32();
  const copy = Random.fromState(random.state);
  assert.deepEqual(
    [copy.uint32(), copy.uniform(), copy.normal()],
    [random.uint32(), random.uniform(), random.normal()],
  );
});

test("uniform numbers fill (0, 1) evenly", () => {
  const random = new Random(1);
  const bins = new Array<number>(16).fill(0);
  const draws = 160_000;
  for (let i = 0; i < draws; i++) {
    const value = random.uniform();
    assert.ok(value > 0 && value < 1);
    bins[Math.floor(value * 16)]!++;
  }
  const chiSquare = bins.reduce((sum, seen) => sum + (seen - 10_000) ** 2 / 10_000, 0);
  assert.ok(chiSquare < 37.7, `chi-square of 15 degrees of freedom is ${chiSquare}, above its 0.1 % point`);
});

test("normal deviates have mean 0, variance 1 and a normal tail", () => {
  const random = new Random(2);
  const values = Array.from({ length: 100_000 }, () => random.normal());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const beyondTwo = values.filter((value) => Math.abs(value) > 2).length / values.length;
  assert.ok(Math.abs(mean) < 0.012, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.018, `variance ${variance}`);
  assert.ok(Math.abs(beyondTwo - 0.0455) < 0.0027, `share beyond two sigma ${beyondTwo}`);
});

test("a permutation holds every index once and moves them", () => {
  const order = new Random(5).permutation(1000);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, index) => index),
  );
  assert.ok([...order].filter((value, index) => value === index).length < 10);
});

test("hash32 tells apart order, count and sign of its words", () => {
  const hashes = [hash32(1), hash32(1, 0), hash32(0, 1), hash32(-1), hash32(2 ** 33 + 1), hash32()];
  assert.equal(new Set(hashes).size, hashes.length);
});
