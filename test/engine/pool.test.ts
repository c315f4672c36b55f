import assert from "node:assert/strict";
import test from "node:test";
import { Pool } from "../../src/engine/native/pool";

test("a block that was given back is handed out again for any size of its class", () => {
  const pool = new Pool();
  const block = pool.take(100_000);
  assert.ok(block.bytes >= 100_000 && block.bytes <= 100_000 * 1.125);
  pool.giveBack(block);
  assert.equal(pool.take(99_000), block);
  assert.equal(pool.statistics().allocated, 1);
});

test("two blocks in use never share memory", () => {
  const pool = new Pool();
  const first = pool.take(5000);
  const second = pool.take(5000);
  assert.notEqual(first.buffer, second.buffer);
});

test("a forgotten block is never handed out again", () => {
  const pool = new Pool();
  const block = pool.take(5000);
  pool.forget(block);
  assert.notEqual(pool.take(5000), block);
  assert.equal(pool.statistics().bytesInUse, block.bytes);
});

test("every size fits its class, with at most an eighth to spare", () => {
  const pool = new Pool();
  for (let bytes = 4096; bytes < 1e8; bytes = Math.ceil(bytes * 1.01)) {
    const block = pool.take(bytes);
    assert.ok(block.bytes >= bytes && block.bytes <= 1.125 * bytes + 1, `${bytes} -> ${block.bytes}`);
    pool.forget(block);
  }
});

test("sizes that went out of use are let go, so that memory stays within one and a half times the worst moment", () => {
  const pool = new Pool();
  for (const size of [100_000, 130_000, 170_000, 220_000, 290_000]) {
    for (let step = 0; step < 3; step++) {
      const blocks = Array.from({ length: 10 }, () => pool.take(size));
      for (const block of blocks) pool.giveBack(block);
    }
    const { bytesFree, bytesInUse, highestBytesInUse } = pool.statistics();
    assert.equal(bytesInUse, 0);
    assert.ok(bytesFree <= 1.5 * highestBytesInUse + 330_000, `${bytesFree} free, at most ${highestBytesInUse} in use`);
  }
});

test("repeating a step allocates nothing", () => {
  const pool = new Pool();
  const step = (): void => {
    const blocks = [7000, 90_000, 90_000, 1_000_000, 7000].map((bytes) => pool.take(bytes));
    for (const block of blocks) pool.giveBack(block);
  };
  step();
  const { allocated } = pool.statistics();
  for (let i = 0; i < 50; i++) step();
  assert.equal(pool.statistics().allocated, allocated);
});
