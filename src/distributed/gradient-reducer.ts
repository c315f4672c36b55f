/**
 * Sums gradients over ranks while backward still runs. Backward makes them in the reverse order of the parameters; they
 * travel in buckets, each as soon as its last gradient is there.
 */

import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { copyTogether, ownMemory, secondLeafOf, tensorsFrom } from "../engine/gradient-tap";
import type { Communicator } from "./communicator";

/** A bucket is closed once it holds this much: small enough that the last one, which nothing hides, is soon done. */
const BUCKET_BYTES = 1 << 20;

/** What this rank adds to a parameter's gradient, and the memory that the sum goes to. */
interface InMemory {
  readonly array: Float32Array;
  /** Two where three ranks add as one would (../data/division.ts). */
  readonly leaves: readonly Float32Array[];
}

/** A gradient that its engine keeps elsewhere: it is copied with the others of its bucket. */
interface OnDevice {
  readonly tensor: Tensor;
}

type Own = InMemory | OnDevice;

/** Gradients by the parameters of one bucket, in the plan's order; null until backward has made them. */
type Bucket = Map<string, Own | null>;

export class GradientReducer {
  private readonly plan: readonly (readonly string[])[];
  private readonly bucketOf: ReadonlyMap<string, number>;
  private buckets: readonly Bucket[] = [];
  /** What was copied of a bucket's gradients, by the bucket's number; the sums come into the same memory. */
  private copies = new Map<number, Float32Array>();
  private next = 0;
  private underWay: Promise<void>[] = [];
  private visible = 0;
  private hideable = 0;
  private sentAt: number | null = null;

  constructor(
    private readonly comm: Communicator,
    private readonly parameters: ReadonlyMap<string, Variable>,
    private readonly isDeterministic: boolean,
  ) {
    this.plan = planBuckets(parameters);
    this.bucketOf = new Map(this.plan.flatMap((names, bucket) => names.map((name) => [name, bucket] as const)));
    this.begin();
  }

  /** Seconds in which communication was all that this rank waited for. */
  get visibleSeconds(): number {
    return this.visible;
  }

  /** Seconds between the first bucket and the end of backward: what communication can hide behind. */
  get hideableSeconds(): number {
    return this.hideable;
  }

  /**
   * Takes a gradient; from now until `finish` its memory belongs to the reducer.
   *
   * @param position of the gradient among two leaves, when the native engine had rows for one only
   */
  readonly add = (name: string, gradient: Tensor, position: 0 | 1 = 0): void => {
    this.buckets[this.bucketOf.get(name)!]!.set(name, this.own(gradient, position));
    // Buckets leave in the plan's order, so that they meet on all ranks.
    for (let bucket = this.nextComplete(); bucket !== null; bucket = this.nextComplete()) {
      this.sentAt ??= performance.now();
      const parts = this.fetch(bucket);
      this.next++;
      const arrays = parts.map((own) => own.array);
      const lists = parts[0]!.leaves.map((_, leaf) => parts.map((own) => own.leaves[leaf]!));
      const sent = this.comm.allreduceBucket(arrays, this.isDeterministic ? "ordered" : "fast", lists);
      sent.catch(() => {}); // thrown by `finish`
      this.underWay.push(sent);
    }
  };

  /**
   * Waits until all gradients of the step are sums over all ranks.
   *
   * @param tensors the gradients that were added, in the parameters' order; used up
   * @returns the sums, in the same order
   */
  async finish(tensors: readonly Tensor[]): Promise<Tensor[]> {
    const startedAt = performance.now();
    if (this.sentAt !== null) this.hideable += (startedAt - this.sentAt) / 1000;
    await Promise.all(this.underWay);
    this.visible += (performance.now() - startedAt) / 1000;
    const uploaded = this.upload();
    const names = [...this.parameters.keys()];
    const sums = tensors.map((tensor, index) => {
      const sum = uploaded.get(names[index]!);
      if (sum === undefined) return tensor;
      tensor.dispose();
      return sum;
    });
    this.begin();
    return sums;
  }

  private own(gradient: Tensor, position: 0 | 1): Own {
    const array = ownMemory(gradient);
    if (array === null) return { tensor: tf.keep(tf.clone(gradient)) };
    const leaves = [array];
    if (this.comm.size === 3) {
      leaves.splice(1 - position, 0, secondLeafOf(gradient) ?? new Float32Array(array.length));
    }
    return { array, leaves };
  }

  /** The gradients of the next bucket in memory: copied from their device where they are on one. */
  private fetch(bucket: readonly Own[]): InMemory[] {
    const inMemory = bucket.filter((own): own is InMemory => "array" in own);
    if (inMemory.length > 0) return inMemory;
    const tensors = bucket.map((own) => (own as OnDevice).tensor);
    const numbers = copyTogether(tensors);
    this.copies.set(this.next, numbers);
    let start = 0;
    const parts = tensors.map(({ size }) => {
      const array = numbers.subarray(start, start + size);
      start += size;
      return { array, leaves: [array] };
    });
    tf.dispose(tensors);
    return parts;
  }

  /** The sums that are to go back to the device, by parameter. */
  private upload(): ReadonlyMap<string, Tensor> {
    const sums = new Map<string, Tensor>();
    for (const [bucket, numbers] of this.copies) {
      const names = this.plan[bucket]!;
      const shapes = names.map((name) => this.parameters.get(name)!.shape);
      for (const [index, tensor] of tensorsFrom(numbers, shapes).entries()) sums.set(names[index]!, tensor);
    }
    return sums;
  }

  private begin(): void {
    this.buckets = this.plan.map((names) => new Map(names.map((name) => [name, null])));
    this.copies = new Map();
    this.next = 0;
    this.underWay = [];
    this.sentAt = null;
  }

  /** The next bucket to leave; null when gradients are missing, or none is left. */
  private nextComplete(): Own[] | null {
    const bucket = this.buckets[this.next];
    if (bucket === undefined) return null;
    const present = [...bucket.values()].filter((own): own is Own => own !== null);
    return present.length === bucket.size ? present : null;
  }
}

/** Names of the parameters of each bucket, in the order in which backward reaches them. */
export function planBuckets(
  parameters: ReadonlyMap<string, { readonly size: number }>,
  bucketBytes: number = BUCKET_BYTES,
): string[][] {
  const plan: string[][] = [];
  let names: string[] = [];
  let bytes = 0;
  for (const [name, { size }] of [...parameters].reverse()) {
    names.push(name);
    bytes += size * Float32Array.BYTES_PER_ELEMENT;
    if (bytes < bucketBytes) continue;
    plan.push(names);
    names = [];
    bytes = 0;
  }
  if (names.length > 0) plan.push(names);
  return plan;
}
