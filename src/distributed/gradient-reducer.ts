/**
 * Sums gradients over ranks while backward still runs. Backward makes them in the reverse order of the parameters; they
 * travel in buckets, each as soon as its last gradient is there.
 */

import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { ownMemory } from "../engine/gradient-tap";
import type { Communicator } from "./communicator";

/** A bucket is closed once it holds this much: small enough that the last one, which nothing hides, is soon done. */
const BUCKET_BYTES = 1 << 20;

/** Gradients by the parameters of one bucket, in the plan's order; null until backward has made them. */
type Bucket = Map<string, Float32Array | null>;

export class GradientReducer {
  private readonly plan: readonly (readonly string[])[];
  private readonly bucketOf: ReadonlyMap<string, number>;
  private buckets: readonly Bucket[] = [];
  private copies = new Map<string, Float32Array>();
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

  /** Takes a gradient; from now until `finish` its memory belongs to the reducer. */
  readonly add = (name: string, gradient: Tensor): void => {
    const array = ownMemory(gradient) ?? this.copyOf(name, gradient);
    this.buckets[this.bucketOf.get(name)!]!.set(name, array);
    // Buckets leave in the plan's order, so that they meet on all ranks.
    for (let arrays = this.nextComplete(); arrays !== null; arrays = this.nextComplete()) {
      this.next++;
      this.sentAt ??= performance.now();
      const sent = this.comm.allreduceBucket(arrays, this.isDeterministic ? "ordered" : "fast");
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
    const names = [...this.parameters.keys()];
    const sums = tensors.map((tensor, index) => {
      const copy = this.copies.get(names[index]!);
      if (copy === undefined) return tensor;
      tensor.dispose();
      return tf.tensor(copy, tensor.shape);
    });
    this.begin();
    return sums;
  }

  private begin(): void {
    this.buckets = this.plan.map((names) => new Map(names.map((name) => [name, null])));
    this.copies = new Map();
    this.next = 0;
    this.underWay = [];
    this.sentAt = null;
  }

  /** The arrays of the next bucket to leave; null when gradients are missing, or none is left. */
  private nextComplete(): Float32Array[] | null {
    const bucket = this.buckets[this.next];
    if (bucket === undefined) return null;
    const arrays = [...bucket.values()].filter((array): array is Float32Array => array !== null);
    return arrays.length === bucket.size ? arrays : null;
  }

  private copyOf(name: string, gradient: Tensor): Float32Array {
    const copy = Float32Array.from(gradient.dataSync());
    this.copies.set(name, copy);
    return copy;
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
