/** The labels of a split: read once, filtered, cut into classes, counted. */

import type { Filter } from "../config";
import { DataError } from "../errors";
import { digitizeValue } from "./binning";
import type { ClassEdges } from "./classes";
import { MISSING_LABEL } from "./columns";
import { comparison } from "./comparison";
import { HEAD_NAMES, type HeadName, isHeadName, LABEL_COLUMNS, labelValue, PARAMETERS } from "./parameters";
import type { Shard } from "./shards";

/** What became of the rows read; `rowsRead` is the sum of `rowsKept` and the dropped ones. */
export interface LabelReport {
  readonly rowsRead: number;
  readonly rowsKept: number;
  readonly droppedByFilter: number;
  /** Rows in which a head's value is NaN, infinite or the marker -9999. */
  readonly droppedMissing: number;
  /** Rows dropped because a value lies outside the class edges; 0 when such values are clipped. */
  readonly droppedOutOfRange: number;
  /** Rows beyond `rowsPerShard`. */
  readonly droppedByCap: number;
  /** Per head, the values that passed the filter and lie outside the class edges, clipped or dropped. */
  readonly outOfRange: Readonly<Record<string, number>>;
  /** Per head, the values that passed the filter and are missing. */
  readonly missing: Readonly<Record<string, number>>;
}

export interface LabelOptions {
  readonly classEdges: ClassEdges;
  readonly filter: readonly Filter[];
  readonly rowsPerShard: number | null;
  readonly outOfRange: "clip" | "drop";
}

/** The kept rows of a split, shard after shard. */
export interface LabelTable {
  /** The row inside its shard: [rows] */
  readonly rowInShard: Uint32Array;
  /** The first kept row of each shard, and the number of rows behind the last: [shards + 1] */
  readonly firstOfShard: Uint32Array;
  /** [rows, heads] */
  readonly classes: Uint16Array;
  /** In the parameters' units: [rows, heads] */
  readonly values: Float64Array;
  readonly report: LabelReport;
}

/**
 * Reads the label columns of all shards. Memory: 12 bytes a row plus 10 bytes a row and head.
 *
 * @param visitBytes gets the label bytes as stored, for a fingerprint
 * @throws {DataError} when the filter names an unknown column, no row is left, or a head has no labels.
 */
export async function readLabels(
  folder: string,
  shards: readonly Shard[],
  options: LabelOptions,
  visitBytes: (bytes: Buffer) => void,
): Promise<LabelTable> {
  const heads = [...options.classEdges.keys()];
  const passes = options.filter.map((filter) => compileFilter(filter, folder));
  const total = shards.reduce((rows, { matrix }) => rows + matrix.rows, 0);
  const rowInShard = new Uint32Array(total);
  const firstOfShard = new Uint32Array(shards.length + 1);
  const classes = new Uint16Array(total * heads.length);
  const values = new Float64Array(total * heads.length);
  const outOfRange = new Int32Array(heads.length);
  const missing = new Int32Array(heads.length);
  const dropped = { filter: 0, missing: 0, outOfRange: 0, cap: 0 };
  let kept = 0;

  const visitRow = (row: number, columns: Float64Array, firstKept: number): void => {
    if (options.rowsPerShard !== null && kept - firstKept >= options.rowsPerShard) {
      dropped.cap++;
    } else if (!passes.every((pass) => pass(columns))) {
      dropped.filter++;
    } else {
      const state = classify(heads, options.classEdges, columns, kept, { classes, values, outOfRange, missing });
      if (state === "missing") dropped.missing++;
      else if (state === "outOfRange" && options.outOfRange === "drop") dropped.outOfRange++;
      else rowInShard[kept++] = row;
    }
  };
  for (const [position, { matrix }] of shards.entries()) {
    const firstKept = kept;
    firstOfShard[position] = firstKept;
    await matrix.readLastColumns(LABEL_COLUMNS, (row, columns) => visitRow(row, columns, firstKept), visitBytes);
  }
  firstOfShard[shards.length] = kept;

  const report: LabelReport = {
    rowsRead: total,
    rowsKept: kept,
    droppedByFilter: dropped.filter,
    droppedMissing: dropped.missing,
    droppedOutOfRange: dropped.outOfRange,
    droppedByCap: dropped.cap,
    outOfRange: countsByHead(heads, outOfRange),
    missing: countsByHead(heads, missing),
  };
  checkHeads(folder, heads, options, report);
  const table = {
    rowInShard: rowInShard.slice(0, kept),
    firstOfShard,
    classes: classes.slice(0, kept * heads.length),
    values: values.slice(0, kept * heads.length),
    report,
  };
  checkConstants(folder, heads, table, options.classEdges);
  return table;
}

interface LabelColumns {
  readonly classes: Uint16Array;
  readonly values: Float64Array;
  readonly outOfRange: Int32Array;
  readonly missing: Int32Array;
}

/** Writes the values and clipped classes of one row to position `kept`, and says whether the row can be used. */
function classify(
  heads: readonly HeadName[],
  classEdges: ClassEdges,
  columns: Float64Array,
  kept: number,
  out: LabelColumns,
): "ok" | "missing" | "outOfRange" {
  let isMissing = false;
  let isOutOfRange = false;
  for (const [position, head] of heads.entries()) {
    const edges = classEdges.get(head)!;
    const value = labelValue(PARAMETERS[head], columns);
    const last = edges.length - 2;
    const label = digitizeValue(value, edges) - 1;
    if (!Number.isFinite(value) || columns[PARAMETERS[head].column] === MISSING_LABEL) {
      isMissing = true;
      out.missing[position]!++;
    } else if (label < 0 || label > last) {
      isOutOfRange = true;
      out.outOfRange[position]!++;
    }
    out.values[kept * heads.length + position] = value;
    out.classes[kept * heads.length + position] = Math.min(Math.max(label, 0), last);
  }
  return isMissing ? "missing" : isOutOfRange ? "outOfRange" : "ok";
}

/**
 * A test of the 36 label columns of a row.
 *
 * @param folder names the data in errors
 * @throws {DataError} when the filter names an unknown column.
 */
export function compileFilter({ column, op, value }: Filter, folder: string): (columns: Float64Array) => boolean {
  const isColumn = typeof column === "number" && Number.isInteger(column) && column >= 0 && column < LABEL_COLUMNS;
  if (!isColumn && !(typeof column === "string" && isHeadName(column))) {
    throw new DataError(
      `Cannot filter "${folder}" on column ${JSON.stringify(column)}: expected one of ${HEAD_NAMES.join(", ")}, ` +
        `or a label column from 0 to ${LABEL_COLUMNS - 1}`,
      { path: folder },
      { isRequest: true },
    );
  }
  const read = typeof column === "number" ? (columns: Float64Array) => columns[column]! : valueReader(column);
  const holds = comparison(op, value);
  return (columns) => holds(read(columns));
}

function valueReader(head: HeadName): (columns: Float64Array) => number {
  return (columns) => labelValue(PARAMETERS[head], columns);
}

function countsByHead(heads: readonly HeadName[], counts: Int32Array): Record<string, number> {
  return Object.fromEntries(heads.map((head, position) => [head, counts[position]!]));
}

function checkHeads(folder: string, heads: readonly HeadName[], options: LabelOptions, report: LabelReport): void {
  const passed = report.rowsRead - report.droppedByFilter - report.droppedByCap;
  if (passed === 0) {
    const conditions = options.filter.map(({ column, op, value }) => `${column} ${op} ${value}`).join(" and ");
    throw new DataError(
      `Cannot use data set "${folder}": none of its ${report.rowsRead} rows passes the filter ${conditions}`,
      { path: folder },
      { isRequest: true },
    );
  }
  for (const head of heads) {
    if (report.missing[head] === passed) throw headWithoutLabels(folder, head, `all ${passed} values are missing`);
  }
  if (report.rowsKept > 0) return;
  const counts = heads.map((head) => `${head} ${report.outOfRange[head]! + report.missing[head]!}`).join(", ");
  throw new DataError(
    `Cannot use data set "${folder}": each of its ${passed} rows has a label that is missing or outside its class edges ` +
      `(rows per head: ${counts}); remove heads, or set out_of_range to "clip"`,
    { path: folder },
    { isRequest: true },
  );
}

/** A column that was never filled holds one value, outside the edges: clipped, it would teach the network a constant. */
function checkConstants(
  folder: string,
  heads: readonly HeadName[],
  table: Pick<LabelTable, "values" | "report">,
  classEdges: ClassEdges,
): void {
  const { values, report } = table;
  if (report.rowsKept < 2) return;
  for (const [position, head] of heads.entries()) {
    const first = values[position]!;
    if (digitizeValue(first, classEdges.get(head)!) % classEdges.get(head)!.length !== 0) continue;
    let isConstant = true;
    for (let index = position; isConstant && index < values.length; index += heads.length) {
      isConstant = values[index] === first;
    }
    if (isConstant)
      throw headWithoutLabels(folder, head, `all ${report.rowsKept} values are ${first}, outside its classes`);
  }
}

function headWithoutLabels(folder: string, head: HeadName, state: string): DataError {
  const { column, dividedByColumn } = PARAMETERS[head];
  const source =
    dividedByColumn === undefined ? `label column ${column}` : `label column ${column} / ${dividedByColumn}`;
  return new DataError(
    `Cannot use head "${head}" with data set "${folder}": ${state} (${source}); remove "${head}" from heads`,
    { path: folder, column },
    { isRequest: true },
  );
}
