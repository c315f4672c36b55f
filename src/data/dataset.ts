/** A data set: the rows of its shards that pass the filter, with their classes, in batches that can start anywhere. */

import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { Config, Filter } from "../config";
import { noteFacts } from "../kernel/run-facts";
import { Random } from "../random";
import { type ClassEdges, resolveClassEdges } from "./classes";
import { FileReader } from "./file-reader";
import type { Grid } from "./grid";
import { type LabelReport, type LabelTable, readLabels } from "./label-table";
import type { DatasetInfo, Split } from "./manifest";
import type { NpyHeader } from "./npy";
import type { HeadName } from "./parameters";
import { type Normalization, SpectrumPreparer } from "./prepare-spectrum";
import { openShards, type Shard, type ShardSet } from "./shards";
import { largestPart, partOf, WHOLE } from "./share";
import type { Batch, BatchOptions, SpectrumSource } from "./source";

/** Keeps the shuffling apart from other uses of a run's seed. */
const ORDER_STREAM = 0x0de4;

/** Which rows of a folder are used, and what is read from them. */
export interface DatasetOptions {
  readonly split: Split | "all";
  readonly heads: readonly HeadName[];
  /** Class edges that replace the table's. */
  readonly edges?: Config["edges"];
  readonly filter?: readonly Filter[];
  /** Rows kept of each shard after the filter; null: all. */
  readonly rowsPerShard?: number | null;
  readonly outOfRange?: "clip" | "drop";
  readonly normalize?: Normalization;
  /** Neighbouring bins whose mean makes one input of the network; default 1. */
  readonly rebin?: number;
  /** The last shards held out when there is no `dataset.json`; null: one in twenty, at least one. */
  readonly validationShards?: number | null;
  /** The number of powers a row must have; null: as the shards have. */
  readonly points?: number | null;
}

/** A folder of shards: the rows that pass a filter, read by position in any order, in memory of bounded size. */
export class Dataset implements SpectrumSource {
  readonly points: number;
  /** The number of rows that passed the filter. */
  readonly rows: number;
  readonly heads: readonly HeadName[];
  readonly report: LabelReport;
  /** The frequencies of the powers; null when neither `dataset.json` nor the usual length tells them. */
  readonly grid: Grid | null;
  /** What `dataset.json` says; null without one. */
  readonly info: DatasetInfo | null;
  private readonly shards: readonly Shard[];

  private constructor(
    readonly folder: string,
    readonly classEdges: ClassEdges,
    /** SHA-256 over names, sizes, headers and labels of the shards: changes when the data changes. */
    readonly fingerprint: string,
    set: ShardSet,
    private readonly table: LabelTable,
    private readonly preparer: SpectrumPreparer,
    private readonly reader: FileReader,
  ) {
    this.points = set.points;
    this.grid = set.grid;
    this.info = set.info;
    this.shards = set.shards;
    this.heads = [...classEdges.keys()];
    this.report = table.report;
    this.rows = table.report.rowsKept;
  }

  /**
   * Opens a folder of shards `[rows, points + 36]` and reads its labels; the powers stay on disk.
   *
   * @throws {DataError} when the folder or a shard cannot be used, the filter leaves no row, or a head has no labels.
   * @throws {ConfigError} when class edges do not ascend, or `rebin` leaves no input of a row.
   */
  static async open(folder: string, options: DatasetOptions): Promise<Dataset> {
    const classEdges = resolveClassEdges(options.heads, options.edges);
    const reader = new FileReader();
    try {
      const { validationShards = null, points = null } = options;
      const set = await openShards(folder, options.split, { validationShards, points }, reader);
      const hash = createHash("sha256");
      for (const { matrix } of set.shards) {
        hash.update(`${basename(matrix.path)} ${matrix.rows} ${matrix.columns}\n`).update(matrix.headerBytes);
      }
      const table = await readLabels(
        folder,
        set.shards,
        {
          classEdges,
          filter: options.filter ?? [],
          rowsPerShard: options.rowsPerShard ?? null,
          outOfRange: options.outOfRange ?? "clip",
        },
        (bytes) => hash.update(bytes),
      );
      const fingerprint = hash.digest("hex");
      noteFacts({ data: { [`${folder} (${options.split})`]: fingerprint } });
      const preparation = { normalize: options.normalize ?? "median", rebin: options.rebin ?? 1 };
      const preparer = new SpectrumPreparer(preparation, set.points);
      return new Dataset(folder, classEdges, fingerprint, set, table, preparer, reader);
    } catch (error) {
      reader.close();
      throw error;
    }
  }

  /** The classes of a row: [heads]. */
  labels(row: number): Int32Array {
    this.checkRow(row);
    const { length } = this.heads;
    return Int32Array.from(this.table.classes.subarray(row * length, (row + 1) * length));
  }

  /** The label values of a row in the parameters' units: [heads]. */
  values(row: number): Float64Array {
    this.checkRow(row);
    const { length } = this.heads;
    return this.table.values.slice(row * length, (row + 1) * length);
  }

  /** Where a row is stored. */
  location(row: number): { path: string; row: number; shard: number } {
    this.checkRow(row);
    const shard = this.shards[this.shardPosition(row)]!;
    return { path: shard.matrix.path, row: this.table.rowInShard[row]!, shard: shard.index };
  }

  /** The powers of a row as stored, before any scaling: [points]. */
  async power(row: number): Promise<Float32Array> {
    this.checkRow(row);
    const power = new Float32Array(this.points);
    await this.shards[this.shardPosition(row)]!.matrix.readRow(this.table.rowInShard[row]!, power);
    return power;
  }

  /** The label columns of a row as stored: [36]. */
  async labelColumns(row: number): Promise<Float64Array> {
    this.checkRow(row);
    const { matrix } = this.shards[this.shardPosition(row)]!;
    const values = new Float64Array(matrix.columns);
    await matrix.readRow(this.table.rowInShard[row]!, values);
    return values.slice(this.points);
  }

  /** The `.npy` header of each shard. */
  get headers(): readonly { readonly path: string; readonly header: NpyHeader }[] {
    return this.shards.map(({ matrix: { path, header } }) => ({ path, header }));
  }

  /** All rows, in the order of one epoch: shuffled by seed and epoch alone, or as stored. */
  order(seed: number, epoch: number, shuffle: boolean): Uint32Array {
    if (shuffle) return new Random(seed, ORDER_STREAM, epoch).permutation(this.rows);
    return Uint32Array.from({ length: this.rows }, (_, row) => row);
  }

  /**
   * Reads batches in the given order. While the caller computes on one batch, the next ones are being read.
   *
   * @throws {DataError} when a row holds a power that is NaN, infinite or negative, with file, row and column.
   * @throws {RangeError} when an option is out of range.
   */
  async *batches(options: BatchOptions): AsyncGenerator<Batch, void, undefined> {
    const { order, batchSize, start = 0, readAhead = 1, reuseSpectra = false, share = WHOLE } = options;
    requireInteger("batchSize", batchSize, 1);
    requireInteger("start", start, 0);
    requireInteger("readAhead", readAhead, 0);
    const underWay: Promise<Batch>[] = [];
    const spare: Float32Array[] = [];
    let position = start;
    const readUpTo = (count: number): void => {
      while (underWay.length < count && position < order.length) {
        const whole = order.subarray(position, position + batchSize);
        position += whole.length;
        const [first, last] = partOf(whole.length, share);
        const values = (last - first) * this.preparer.inputs;
        const memory = spare.pop() ?? new Float32Array(largestPart(whole.length, share) * this.preparer.inputs);
        const batch = this.read(whole, first, last, position, memory.subarray(0, values));
        // A batch read ahead may fail before anyone waits for it; the error is thrown when its turn comes.
        batch.catch(() => {});
        underWay.push(batch);
      }
    };
    try {
      readUpTo(1);
      while (underWay.length > 0) {
        const batch = await underWay.shift()!;
        readUpTo(readAhead);
        yield batch;
        if (reuseSpectra) spare.push(new Float32Array(batch.spectra.buffer));
        readUpTo(1);
      }
    } finally {
      await Promise.allSettled(underWay);
    }
  }

  /** Closes the shards; reads under way end first. */
  async close(): Promise<void> {
    this.reader.close();
  }

  private async read(
    whole: Uint32Array,
    first: number,
    last: number,
    nextStart: number,
    spectra: Float32Array,
  ): Promise<Batch> {
    const { points, preparer } = this;
    const rows = whole.subarray(first, last);
    const heads = this.heads.length;
    const labels = new Int32Array(rows.length * heads);
    const values = new Float64Array(rows.length * heads);
    const reads = Array.from(rows, async (row, index) => {
      this.checkRow(row);
      const { matrix } = this.shards[this.shardPosition(row)]!;
      const out = spectra.subarray(index * preparer.inputs, (index + 1) * preparer.inputs);
      const power = preparer.inputs === points ? out : new Float32Array(points);
      const rowInShard = this.table.rowInShard[row]!;
      labels.set(this.table.classes.subarray(row * heads, (row + 1) * heads), index * heads);
      values.set(this.table.values.subarray(row * heads, (row + 1) * heads), index * heads);
      await matrix.readRow(rowInShard, power);
      preparer.prepare(power, out, { path: matrix.path, row: rowInShard });
    });
    await allOrFirstError(reads);
    const shard = this.shards[this.shardPosition(whole[0]!)]!.index;
    return { spectra, labels, values, size: rows.length, wholeSize: whole.length, firstRow: first, nextStart, shard };
  }

  /** The position of the shard that holds a row: the last one whose first kept row is not behind it. */
  private shardPosition(row: number): number {
    const { firstOfShard } = this.table;
    let low = 0;
    let high = this.shards.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (firstOfShard[middle]! <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private checkRow(row: number): void {
    if (Number.isInteger(row) && row >= 0 && row < this.rows) return;
    throw new RangeError(`Cannot read row ${row} of data set "${this.folder}": it has ${this.rows} rows`);
  }
}

/** Waits for all, so that no read outlives its batch, and then throws the first error in the rows' order. */
async function allOrFirstError(reads: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(reads)) {
    if (result.status === "rejected") throw result.reason;
  }
}

function requireInteger(name: string, value: number, minimum: number): void {
  if (Number.isInteger(value) && value >= minimum) return;
  throw new RangeError(`Option "${name}" is ${value}, expected an integer of at least ${minimum}`);
}
