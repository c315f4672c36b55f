/** What training and evaluation read spectra from: a data set on disk, or a simulator that makes them while they are read. */

import type { ClassEdges } from "./classes";
import type { LabelReport } from "./label-table";
import type { HeadName } from "./parameters";
import type { Share } from "./share";

/** Which rows are read, in which order, and from where on. */
export interface BatchOptions {
  /** Rows in the order they are to be read; see `Dataset.order`. */
  readonly order: Uint32Array;
  readonly batchSize: number;
  /** Read part `index` of `count` of each batch only: what one rank of several takes. */
  readonly share?: Share;
  /** The position in `order` of the first row; a former batch's `nextStart`. */
  readonly start?: number;
  /** Batches whose reading is under way while the caller computes. */
  readonly readAhead?: number;
  /**
   * True when the caller is done with a batch's spectra once it asks for the next batch: their memory is then used again,
   * so that a pass over the data allocates `readAhead + 1` batches in all. Otherwise the spectra stay the caller's.
   */
  readonly reuseSpectra?: boolean;
}

/** B rows. */
export interface Batch {
  /** Prepared for the network, all positive: [B * inputs] */
  readonly spectra: Float32Array;
  /** Classes: [B * heads] */
  readonly labels: Int32Array;
  /** In the parameters' units: [B * heads] */
  readonly values: Float64Array;
  /** B; the last batch of an order may be smaller than `batchSize`, and a share of it may have no row. */
  readonly size: number;
  /** The rows of the whole batch, and where among them this share of it starts. */
  readonly wholeSize: number;
  readonly firstRow: number;
  /** Where a run that stops after this batch continues. */
  readonly nextStart: number;
  /** The shard of the whole batch's first row, counted over the folder. */
  readonly shard: number;
}

/** Rows with their classes, in batches that can start anywhere. */
export interface SpectrumSource {
  /** The folder, or what stands for it in messages. */
  readonly folder: string;
  /** Bins of a spectrum before it is prepared for the network. */
  readonly points: number;
  /** Rows of an epoch. */
  readonly rows: number;
  readonly heads: readonly HeadName[];
  readonly classEdges: ClassEdges;
  readonly report: LabelReport;
  /** Changes with the shards' names, sizes and labels; powers, which stay on disk, are not looked at. */
  readonly fingerprint: string;
  /** The classes of a row: [heads]. */
  labels(row: number): Int32Array;
  /** The label values of a row in the parameters' units: [heads]. */
  values(row: number): Float64Array;
  /** Where a row comes from. */
  location(row: number): { readonly path: string; readonly row: number; readonly shard: number };
  /** The rows of an epoch in the order that they are to be read. */
  order(seed: number, epoch: number, shuffle: boolean): Uint32Array;
  batches(options: BatchOptions): AsyncGenerator<Batch, void, undefined>;
  close(): Promise<void>;
}
