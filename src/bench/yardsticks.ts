/** What this machine can do, measured beside the ops: one large product, and one pass over memory. */

import { loadAddon } from "../engine/native/addon";

/** What this machine can do at best, to hold the ops against. */
export interface Yardsticks {
  /** A float32 product of [1536, 1024] and [1024, 1024] by our own micro-kernel, on the threads in use. */
  readonly product_gflops: number;
  /** c = a + b over 64 MB each: two arrays read, one written. */
  readonly stream_gb_per_s: number;
}

const PRODUCT = { m: 1536, n: 1024, k: 1024 };
const STREAM_FLOATS = 1 << 24;
const REPEATS = 7;

/** The best of several tries, for a limit is what is reached when nothing else runs. Needs the native engine. */
export function measureYardsticks(): Yardsticks {
  const addon = loadAddon();
  const { m, n, k } = PRODUCT;
  const [a, b, out] = [ones(m * k), ones(k * n), ones(m * n)];
  const product = bestSeconds(() => addon.matrixProduct({ ...PRODUCT, a, b, out }));
  const [left, right, sum] = [ones(STREAM_FLOATS), ones(STREAM_FLOATS), ones(STREAM_FLOATS)];
  const stream = bestSeconds(() =>
    addon.add({ size: STREAM_FLOATS, period: STREAM_FLOATS, out: sum, a: left, b: right }),
  );
  return {
    product_gflops: (2 * m * n * k) / product / 1e9,
    stream_gb_per_s: (3 * STREAM_FLOATS * Float32Array.BYTES_PER_ELEMENT) / stream / 1e9,
  };
}

function ones(size: number): Float32Array {
  return new Float32Array(size).fill(1);
}

function bestSeconds(work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const startedAt = performance.now();
    work();
    best = Math.min(best, (performance.now() - startedAt) / 1000);
  }
  return best;
}
