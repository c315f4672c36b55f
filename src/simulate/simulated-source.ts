/** Stars that are simulated while they are read: no disk, and no star twice. */

import { availableParallelism } from "node:os";
import type { Filter } from "../config";
import { digitizeValue } from "../data/binning";
import { type ClassEdges, classOfValue } from "../data/classes";
import { POINTS } from "../data/grid";
import type { LabelReport } from "../data/label-table";
import { type HeadName, LABEL_COLUMNS, labelValue, PARAMETERS } from "../data/parameters";
import { inputPoints, type Preparation } from "../data/prepare-spectrum";
import { largestPart, partOf, WHOLE } from "../data/share";
import type { Batch, BatchOptions, SpectrumSource } from "../data/source";
import { hash32 } from "../random";
import { type Block, simulateBlocks } from "./block-pool";
import { type ChosenStar, chosenStars } from "./chosen-stars";
import type { Observation } from "./observation";
import type { PriorName } from "./priors";
import type { StarSource } from "./simulate-star";

/** Which stars a `SimulatedSource` draws, and how many. */
export interface SimulatedSourceOptions {
  readonly seed: number;
  readonly prior: PriorName;
  readonly observation: Observation;
  readonly preparation: Preparation;
  readonly classEdges: ClassEdges;
  /** Stars that do not pass are drawn again. */
  readonly filter?: readonly Filter[];
  /** Stars of one epoch. */
  readonly rows: number;
  /** True: the same stars in every epoch, as for validation. */
  readonly isFixed?: boolean;
  /** Worker threads; default: one per core. */
  readonly workers?: number | null;
}

/** Keeps these stars apart from those of shards, whose numbers are small. */
const STREAM_SHARD = 0x57a2;

const BLOCK_ROWS = 8;

/** Stars that are simulated while they are read; none is on disk. */
export class SimulatedSource implements SpectrumSource {
  readonly folder: string;
  readonly points = POINTS;
  readonly rows: number;
  readonly heads: readonly HeadName[];
  readonly classEdges: ClassEdges;
  /** Values outside the class edges are counted over the stars of the first epoch. */
  readonly report: LabelReport;
  readonly fingerprint: string;
  private readonly inputs: number;
  private readonly choose: (source: StarSource) => ChosenStar;
  /** Of the stars of the first epoch: [rows * heads]. */
  private readonly firstValues: Float64Array;

  /** @throws {DataError} when the filter names an unknown column. */
  constructor(private readonly options: SimulatedSourceOptions) {
    const { seed, prior, observation, classEdges, rows, filter = [], isFixed = false } = options;
    this.rows = rows;
    this.classEdges = classEdges;
    this.heads = [...classEdges.keys()];
    this.folder = `simulated stars (${prior}, seed ${seed})`;
    this.choose = chosenStars(prior, filter, this.folder);
    this.inputs = inputPoints(POINTS, options.preparation.rebin);
    this.firstValues = new Float64Array(rows * this.heads.length);
    for (let row = 0; row < rows; row++) this.firstValues.set(this.drawValues(row), row * this.heads.length);
    this.report = reportOf(rows, this.firstValues, classEdges);
    const identity = JSON.stringify([seed, prior, observation, rows, isFixed, ...(filter.length > 0 ? [filter] : [])]);
    const words = Array.from({ length: 8 }, (_, word) => hash32(word, ...Buffer.from(identity)));
    this.fingerprint = words.map((word) => word.toString(16).padStart(8, "0")).join("");
  }

  /** The classes of a star: [heads]. */
  labels(row: number): Int32Array {
    const values = this.values(row);
    return Int32Array.from([...this.classEdges.values()], (edges, head) => classOfValue(values[head]!, edges));
  }

  /** The parameters of a star in their units: [heads]. */
  values(row: number): Float64Array {
    const { length } = this.heads;
    return row < this.rows ? this.firstValues.slice(row * length, (row + 1) * length) : this.drawValues(row);
  }

  location(row: number): { path: string; row: number; shard: number } {
    return { path: this.folder, row, shard: STREAM_SHARD };
  }

  /** Numbers of stars: each epoch has its own, whatever the seed of the shuffling. */
  order(_seed: number, epoch: number, _shuffle: boolean): Uint32Array {
    const first = this.options.isFixed ? 0 : epoch * this.rows;
    return Uint32Array.from({ length: this.rows }, (_, row) => first + row);
  }

  /**
   * Simulates batches in the given order, the next ones while the caller computes.
   *
   * @throws {Error} when a worker fails.
   */
  async *batches(options: BatchOptions): AsyncGenerator<Batch, void, undefined> {
    const { order, batchSize, start = 0, reuseSpectra = false, share = WHOLE } = options;
    const { seed, prior, filter = [], observation, preparation, workers } = this.options;
    const rowLength = this.inputs + LABEL_COLUMNS;
    const settings = { seed, prior, filter, observation, preparation };
    const blocks = simulateBlocks(blocksOf(options), settings, {
      workers: workers ?? availableParallelism(),
      rowLength,
      largestBlock: BLOCK_ROWS,
    });
    const memory = new Float32Array(largestPart(Math.min(batchSize, order.length), share) * this.inputs);
    try {
      for (let position = start; position < order.length; position += batchSize) {
        const wholeSize = Math.min(batchSize, order.length - position);
        const [firstRow, end] = partOf(wholeSize, share);
        const size = end - firstRow;
        const spectra = reuseSpectra ? memory.subarray(0, size * this.inputs) : new Float32Array(size * this.inputs);
        const values = new Float64Array(size * this.heads.length);
        for (let row = 0; row < size; ) {
          const block = await blocks.next();
          if (block.done)
            throw new Error(`The simulation of ${this.folder} ended before star ${order[position + row]}`);
          for (let offset = 0; offset < block.value.length; offset += rowLength, row++) {
            spectra.set(block.value.subarray(offset, offset + this.inputs), row * this.inputs);
            const columns = block.value.subarray(offset + this.inputs, offset + rowLength);
            this.heads.forEach((head, index) => {
              values[row * this.heads.length + index] = labelValue(PARAMETERS[head], columns);
            });
          }
        }
        const nextStart = position + wholeSize;
        yield { spectra, values, labels: this.classesOf(values), size, wholeSize, firstRow, nextStart, shard: 0 };
      }
    } finally {
      await blocks.return(undefined);
    }
  }

  async close(): Promise<void> {}

  private drawValues(row: number): Float64Array {
    const { columns } = this.choose({ seed: this.options.seed, shard: STREAM_SHARD, row });
    return Float64Array.from(this.heads, (head) => labelValue(PARAMETERS[head], columns));
  }

  private classesOf(values: Float64Array): Int32Array {
    const edges = [...this.classEdges.values()];
    return Int32Array.from(values, (value, index) => classOfValue(value, edges[index % edges.length]!));
  }
}

/** The stars of this share, batch by batch; stars of a block follow each other. */
function* blocksOf({ order, batchSize, start = 0, share = WHOLE }: BatchOptions): Generator<Block> {
  for (let position = start; position < order.length; position += batchSize) {
    const [first, end] = partOf(Math.min(batchSize, order.length - position), share);
    for (let row = first; row < end; ) {
      const firstRow = order[position + row]!;
      let rows = 1;
      while (rows < BLOCK_ROWS && row + rows < end && order[position + row + rows] === firstRow + rows) rows++;
      yield { shard: STREAM_SHARD, firstRow, rows };
      row += rows;
    }
  }
}

/** @param values [rows * heads] */
function reportOf(rows: number, values: Float64Array, classEdges: ClassEdges): LabelReport {
  const heads = [...classEdges.keys()];
  const outside = (head: number, edges: Float64Array): number => {
    let count = 0;
    for (let row = 0; row < rows; row++) {
      const label = digitizeValue(values[row * heads.length + head]!, edges) - 1;
      if (label < 0 || label > edges.length - 2) count++;
    }
    return count;
  };
  return {
    rowsRead: rows,
    rowsKept: rows,
    droppedByFilter: 0,
    droppedMissing: 0,
    droppedOutOfRange: 0,
    droppedByCap: 0,
    outOfRange: Object.fromEntries([...classEdges].map(([name, edges], head) => [name, outside(head, edges)])),
    missing: Object.fromEntries(heads.map((head) => [head, 0])),
  };
}
