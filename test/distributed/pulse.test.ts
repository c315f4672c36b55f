import assert from "node:assert/strict";
import test from "node:test";
import { Pulse, PulseReader } from "../../src/distributed/pulse";

/** Milliseconds: the limit of the tests. */
const LIMIT = 10_000;

function pulseWith(patience: number): { pulse: Pulse; reader: PulseReader } {
  const pulse = new Pulse();
  pulse.stop();
  return { pulse, reader: new PulseReader(pulse.counters, LIMIT, patience, 0) };
}

test("a main thread that does not come by is hung after the limit", async () => {
  const { pulse, reader } = pulseWith(0);
  assert.deepEqual(reader.read(LIMIT), { quietSeconds: 10, isHung: false, isWaiting: false });
  assert.equal(reader.read(LIMIT + 1).isHung, true);
  await pulse.during(Promise.resolve());
  assert.deepEqual(reader.read(LIMIT + 2), { quietSeconds: 0, isHung: false, isWaiting: false });
});

test("one that has computed for long may do so again, for some times as long", async () => {
  const { pulse, reader } = pulseWith(20);
  await pulse.during(Promise.resolve());
  reader.read(2_000); // came by after 2 s
  assert.equal(reader.read(2_000 + 40_000).isHung, false);
  assert.equal(reader.read(2_000 + 40_001).isHung, true);
});

test("it waits while an operation with other ranks has not settled for the limit", async () => {
  const { pulse, reader } = pulseWith(0);
  let settle = (): void => {};
  const operation = pulse.during(
    new Promise<void>((resolve) => {
      settle = resolve;
    }),
  );
  reader.read(1_000);
  assert.equal(reader.read(LIMIT).isWaiting, false);
  assert.equal(reader.read(LIMIT + 1).isWaiting, true);
  settle();
  await operation;
  assert.equal(reader.read(LIMIT + 2).isWaiting, false);
  assert.equal(reader.read(3 * LIMIT).isWaiting, false);
});

test("an operation that fails settles too, and its error stays", async () => {
  const { pulse, reader } = pulseWith(0);
  await assert.rejects(pulse.during(Promise.reject(new Error("the wire is cut"))), { message: "the wire is cut" });
  reader.read(1);
  assert.equal(reader.read(3 * LIMIT).isWaiting, false);
});

test("a process that was stopped for a while, with its main thread, starts anew", () => {
  const { reader } = pulseWith(0);
  reader.forgive(5 * LIMIT);
  assert.deepEqual(reader.read(6 * LIMIT), { quietSeconds: 10, isHung: false, isWaiting: false });
});

test("what waited when the process was stopped waits anew", () => {
  const { pulse, reader } = pulseWith(0);
  void pulse.during(new Promise(() => {}));
  reader.read(1_000);
  reader.forgive(5 * LIMIT);
  assert.equal(reader.read(6 * LIMIT).isWaiting, false);
  assert.equal(reader.read(6 * LIMIT + 1).isWaiting, true);
});
