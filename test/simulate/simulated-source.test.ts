import assert from "node:assert/strict";
import test from "node:test";
import { resolveClassEdges } from "../../src/data/classes";
import { LONGEST_DAYS } from "../../src/data/grid";
import type { Batch } from "../../src/data/source";
import { chosenStars } from "../../src/simulate/chosen-stars";
import { SimulatedSource, type SimulatedSourceOptions } from "../../src/simulate/simulated-source";

const EDGES = resolveClassEdges(["dnu", "numax", "a3"]);

function source(options: Partial<SimulatedSourceOptions> = {}): SimulatedSource {
  return new SimulatedSource({
    seed: 3,
    prior: "population",
    observation: { days: [27, LONGEST_DAYS], gaps: 0.2 },
    preparation: { normalize: "background", rebin: 3 },
    classEdges: EDGES,
    rows: 24,
    workers: 1,
    ...options,
  });
}

async function read(of: SimulatedSource, options: Parameters<SimulatedSource["batches"]>[0]): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of of.batches(options)) batches.push(batch);
  return batches;
}

const join = (batches: readonly Batch[], key: "spectra" | "values" | "labels"): number[] =>
  batches.flatMap((batch) => Array.from(batch[key]));

test("a star is the same in any batch, on any number of workers, and from any start", async () => {
  const order = source().order(1, 2, true);
  const whole = await read(source(), { order, batchSize: 24 });
  const parts = await read(source({ workers: 2 }), { order, batchSize: 10 });
  assert.deepEqual(
    parts.map(({ size, nextStart }) => [size, nextStart]),
    [
      [10, 10],
      [10, 20],
      [4, 24],
    ],
  );
  for (const key of ["spectra", "values", "labels"] as const) assert.deepEqual(join(parts, key), join(whole, key));
  const rest = await read(source(), { order, batchSize: 10, start: 10 });
  assert.deepEqual(join(rest, "spectra"), join(parts.slice(1), "spectra"));
});

test("values outside the class edges are counted over the first epoch's stars and clipped", () => {
  const stars = Array.from({ length: 24 }, (_, row) => source().values(row)[0]!); // dnu, µHz
  const [low, high] = [4, 9];
  const expected = stars.filter((dnu) => dnu < low || dnu >= high).length;
  assert.ok(expected > 0 && expected < 24);
  const narrow = source({ classEdges: resolveClassEdges(["dnu", "numax", "a3"], { dnu: [low, 5, high] }) });
  assert.deepEqual(narrow.report.outOfRange, { ...source().report.outOfRange, dnu: expected });
  assert.equal(narrow.report.rowsKept, 24);
  for (let row = 0; row < 24; row++) assert.equal(narrow.labels(row)[0], stars[row]! < 5 ? 0 : 1);
});

test("a star of a later epoch is another one", () => {
  assert.notDeepEqual(source().values(24), source().values(0));
});

test("ranks share the stars of a batch", async () => {
  const order = source().order(1, 0, true);
  const whole = await read(source(), { order, batchSize: 9 });
  const shares = await Promise.all(
    [0, 1].map((index) => read(source(), { order, batchSize: 9, share: { index, count: 2 } })),
  );
  whole.forEach((batch, number) => {
    const parts = shares.map((batches) => batches[number]!);
    assert.deepEqual(join(parts, "spectra"), Array.from(batch.spectra));
    assert.deepEqual(
      parts.map(({ wholeSize }) => wholeSize),
      [batch.size, batch.size],
    );
  });
});

test("values and classes are those of the stars' labels, to float32", async () => {
  const simulated = source();
  const order = simulated.order(0, 1, false);
  const [batch] = await read(simulated, { order, batchSize: 24 });
  for (let row = 0; row < 24; row++) {
    const values = Array.from(simulated.values(order[row]!));
    values.forEach((value, head) => {
      assert.ok(Math.abs(batch!.values[3 * row + head]! / value - 1) < 1e-5);
    });
    assert.deepEqual(
      Array.from(simulated.labels(order[row]!)),
      Array.from(batch!.labels.subarray(3 * row, 3 * row + 3)),
    );
  }
  assert.equal(batch!.spectra.length, 24 * 11897);
  assert.ok(batch!.spectra.every((value) => value > 0));
});

test("each epoch has new stars, a fixed source has the same", () => {
  const orders = (of: SimulatedSource): number[][] => [0, 1].map((epoch) => Array.from(of.order(9, epoch, true)));
  const [first, second] = orders(source());
  assert.equal(new Set([...first!, ...second!]).size, 48);
  const [once, again] = orders(source({ isFixed: true }));
  assert.deepEqual(once, again);
});

test("the fingerprint changes with the seed and with the stars of an epoch", () => {
  const prints = [source(), source({ seed: 4 }), source({ rows: 25 }), source({ isFixed: true })].map(
    ({ fingerprint }) => fingerprint,
  );
  assert.equal(new Set(prints).size, 4);
  for (const print of prints) assert.match(print, /^[0-9a-f]{64}$/);
  assert.equal(source().fingerprint, prints[0]);
});

test("stars that do not pass the filter are drawn again", async () => {
  const filtered = new SimulatedSource({
    seed: 3,
    prior: "population",
    observation: { days: [LONGEST_DAYS, LONGEST_DAYS], gaps: 0 },
    preparation: { normalize: "background", rebin: 27 },
    classEdges: EDGES,
    filter: [{ column: "dnu", op: ">", value: 9 }],
    rows: 12,
    workers: 1,
  });
  const [batch] = await read(filtered, { order: filtered.order(0, 0, false), batchSize: 12 });
  for (let row = 0; row < 12; row++) {
    assert.ok(batch!.values[3 * row]! > 9);
    assert.ok(Math.abs(filtered.values(row)[0]! / batch!.values[3 * row]! - 1) < 1e-5);
  }
  assert.notEqual(filtered.fingerprint, source({ rows: 12 }).fingerprint);
});

test("a filter that no star of the prior passes is an error", () => {
  const choose = chosenStars("population", [{ column: "dnu", op: ">", value: 40 }], "simulated stars");
  assert.throws(() => choose({ seed: 1 }), {
    name: "ConfigError",
    message: 'Setting "filter" leaves none of 10000 stars of the prior "population": dnu > 40',
  });
});
