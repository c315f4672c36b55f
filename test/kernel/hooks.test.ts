import assert from "node:assert/strict";
import test from "node:test";
import { HOOKS } from "../../src/kernel/channel";
import { stoppable } from "../../src/kernel/hooks";

test("outside a kernel, only the caller's own signal stops library code", () => {
  const { signal, release } = stoppable(undefined);
  assert.equal(signal, undefined);
  release();
  const own = new AbortController();
  assert.equal(stoppable(own.signal).signal, own.signal);
});

test("in a kernel, the cell's interrupt stops it as well, and the kernel is told how long to wait for it", () => {
  const cell = new AbortController();
  let holds = 0;
  const hold = (): (() => void) => {
    holds++;
    return () => {
      holds--;
    };
  };
  Object.defineProperty(globalThis, HOOKS, { value: { signal: cell.signal, hold }, configurable: true });
  try {
    const own = new AbortController();
    const { signal, release } = stoppable(own.signal);
    assert.equal(holds, 1);
    assert.equal(signal!.aborted, false);
    cell.abort();
    assert.equal(signal!.aborted, true);
    release();
    assert.equal(holds, 0);
  } finally {
    Reflect.deleteProperty(globalThis, HOOKS);
  }
});
