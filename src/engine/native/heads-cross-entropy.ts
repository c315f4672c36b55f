/** Softmax cross-entropy over heads on the native backend: forward makes the gradient too, backward scales it. */

import type { Tensor } from "@tensorflow/tfjs-core";
import { loadAddon } from "./addon";
import { elementwiseCost } from "./cost";
import { defineKernel, type Keep, tensorOf } from "./kernel";
import { timed } from "./profile";

export const HEADS_CROSS_ENTROPY = "AsterolabHeadsCrossEntropy";

interface Attributes extends Keep {
  readonly batch: number;
  /** Rows of the batch that these are a part of, by which the sum is divided. */
  readonly whole: number;
  /** Number of classes of each head. */
  readonly classes: readonly number[];
}

export function defineHeadsCrossEntropy(): void {
  const addon = loadAddon();
  defineKernel<Attributes>({
    name: HEADS_CROSS_ENTROPY,
    saves: [],
    forward: (backend, { labels, ...logits }, { batch, whole, classes, keep }) => {
      const out = backend.output([]);
      const saved = keep ? backend.saveWith(out, batch * sum(classes)) : null;
      const loss = timed("headsCrossEntropy", elementwiseCost(batch * sum(classes), keep ? 2 : 1), () =>
        addon.headsCrossEntropy({
          batch,
          whole,
          logits: classes.map((_, head) => backend.floats(logits[`logits${head}`]!)),
          labels: backend.integers(labels!), // [B, heads]
          backward: keep,
          gradients: saved ? perHead(saved, classes, batch) : [],
        }),
      );
      out.array[0] = loss;
      return out.info;
    },
    backward: (backend, dout, [out], { batch, classes }) => {
      const factor = backend.floats(dout)[0]!;
      const saved = backend.savedWith(out!, batch * sum(classes));
      const gradients: Record<string, Tensor> = {};
      for (const [head, gradient] of perHead(saved, classes, batch).entries()) {
        const dlogits = backend.output([batch, classes[head]!]);
        timed("scale", elementwiseCost(gradient.length, 2), () =>
          addon.scale({ size: gradient.length, factor, out: dlogits.array, a: gradient }),
        );
        gradients[`logits${head}`] = tensorOf(dlogits);
      }
      backend.releaseSaved(out!);
      return gradients;
    },
  });
}

/** The parts of `all` that belong to each head: [B, classes] one after the other. */
function perHead(all: Float32Array, classes: readonly number[], batch: number): Float32Array[] {
  let start = 0;
  return classes.map((count) => {
    const part = all.subarray(start, start + batch * count);
    start += batch * count;
    return part;
  });
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
