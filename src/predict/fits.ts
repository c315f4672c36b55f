/**
 * The FITS format (Pence+ 2010, A&A 524 A42): headers, columns of binary tables, images. Nothing is allocated that the
 * file does not hold, whatever its headers say.
 *
 * npm has readers of FITS images only, or of headers (jsfitsio, fits), hence this one.
 */

import { DataError } from "../errors";
import { OtherKindError } from "./other-kind";

const BLOCK = 2880;
const CARD = 80;
/** The standard's limit on axes and on fields of a table. */
const MAX_INDEX = 999;

export type FitsValue = string | number | boolean;

/** A header and its data: one of the units that a file is made of. */
export interface FitsUnit {
  /** `primary`, or `extension 1 (LIGHTCURVE)`: for messages. */
  readonly name: string;
  readonly kind: "image" | "table" | "other";
  readonly header: ReadonlyMap<string, FitsValue>;
  readonly data: Buffer;
  readonly path: string;
}

/** Numbers with the unit that the file gives them; "" when it gives none. */
export interface FitsColumn {
  readonly values: Float64Array;
  readonly unit: string;
}

/**
 * Splits a file into its units.
 *
 * @param options.isStart the bytes are the first ones of a file: what they cut is left out instead of refused.
 * @throws {DataError} when the file is no FITS file, a header does not end or makes no sense, or data are cut.
 */
export function parseFits(bytes: Buffer, path: string, { isStart = false } = {}): FitsUnit[] {
  if (bytes.toString("latin1", 0, 9) !== "SIMPLE  =") {
    const found = JSON.stringify(bytes.toString("latin1", 0, 9));
    throw new DataError(`Cannot read "${path}": not a FITS file: it starts with ${found}, expected "SIMPLE  ="`, {
      path,
    });
  }
  const units: FitsUnit[] = [];
  for (let start = 0; start < bytes.length; ) {
    // Behind the last extension a file may hold anything.
    if (units.length > 0 && bytes.toString("latin1", start, start + 8) !== "XTENSION") break;
    const { header, end } = readHeader(bytes, start, path, units.length);
    if (end === null) {
      if (isStart && units.length > 0) break;
      throw new DataError(`Cannot read "${path}": the header of unit ${units.length} does not end: the file is cut`, {
        path,
      });
    }
    const name = nameOf(header, units.length);
    const size = dataSize(header, path, name);
    if (size > bytes.length - end && !isStart) {
      throw new DataError(
        `Cannot read "${path}": ${name} should hold ${size} bytes of data, but the file ends after ${bytes.length - end}`,
        { path },
      );
    }
    units.push({ name, kind: kindOf(header), header, data: bytes.subarray(end, end + size), path });
    start = end + Math.ceil(size / BLOCK) * BLOCK;
  }
  return units;
}

/** The names of a table's columns, as the file writes them. */
export function columnNames({ header }: FitsUnit): string[] {
  const fields = Math.min(MAX_INDEX, Number(header.get("TFIELDS") ?? 0));
  return Array.from({ length: fields > 0 ? Math.floor(fields) : 0 }, (_, index) =>
    String(header.get(`TTYPE${index + 1}`) ?? ""),
  );
}

/**
 * Reads a column of a binary table: one number a row, or all numbers of a single row. Integers and floats are scaled by
 * TSCAL and TZERO; those equal to TNULL are NaN.
 *
 * @throws {DataError} when the table's columns do not fill its rows, or this one holds no numbers.
 * @throws {OtherKindError} when it holds several numbers a row.
 */
export function readColumn(table: FitsUnit, name: string): FitsColumn {
  const fail = (problem: string, ErrorClass = DataError): DataError =>
    new ErrorClass(`Cannot read "${table.path}": ${table.name}, column ${name}: ${problem}`, { path: table.path });
  const index = columnNames(table).indexOf(name);
  if (index < 0) throw fail("there is no such column");
  const rows = integerOf(table.header, "NAXIS2");
  const rowBytes = integerOf(table.header, "NAXIS1");
  const { offset, repeat, code } = layoutOf(table, index);
  const type: NumberType | undefined = TYPES[code as keyof typeof TYPES];
  if (type === undefined) throw fail(`its values are of type ${code}, expected numbers`);
  if (repeat * type.bytes + offset > rowBytes) throw fail(`it ends behind its row of ${rowBytes} bytes`);
  if (rows * rowBytes > table.data.length) {
    throw fail(`its ${rows} rows of ${rowBytes} bytes do not fit into the unit's ${table.data.length} bytes of data`);
  }
  if (repeat === 0 || (repeat > 1 && rows > 1)) {
    throw fail(`it holds ${repeat} values a row, expected one (is this a file of pixels?)`, OtherKindError);
  }
  const of = (key: string): FitsValue | undefined => table.header.get(`${key}${index + 1}`);
  const scale = numberOr(of("TSCAL"), 1);
  const zero = numberOr(of("TZERO"), 0);
  const missing = of("TNULL");
  const values = new Float64Array(rows * repeat);
  const { data } = table;
  for (let item = 0; item < values.length; item++) {
    const position = repeat > 1 ? offset + item * type.bytes : item * rowBytes + offset;
    const raw = type.read(data, position);
    values[item] = type.isInteger && raw === missing ? Number.NaN : zero + scale * raw;
  }
  return { values, unit: String(of("TUNIT") ?? "").trim() };
}

/**
 * Reads an image of two rows or two columns, scaled by BSCALE and BZERO; values equal to BLANK are NaN.
 *
 * @returns the two; null when the image has another shape.
 */
export function maybeReadPair(image: FitsUnit): [Float64Array, Float64Array] | null {
  const { header, data } = image;
  if (image.kind !== "image" || header.get("NAXIS") !== 2) return null;
  const [columns, rows] = [integerOf(header, "NAXIS1"), integerOf(header, "NAXIS2")];
  if (columns !== 2 && rows !== 2) return null;
  const type: NumberType = TYPES[BITPIX_TYPES.get(integerOf(header, "BITPIX"))!];
  const count = Math.max(columns, rows);
  if (2 * count * type.bytes > data.length) return null;
  const scale = numberOr(header.get("BSCALE"), 1);
  const zero = numberOr(header.get("BZERO"), 0);
  const blank = header.get("BLANK");
  const read = (item: number): number => {
    const raw = type.read(data, item * type.bytes);
    return type.isInteger && raw === blank ? Number.NaN : zero + scale * raw;
  };
  // The first axis runs fastest.
  const isByRow = rows === 2;
  return [0, 1].map((which) =>
    Float64Array.from({ length: count }, (_, index) => read(isByRow ? which * count + index : 2 * index + which)),
  ) as [Float64Array, Float64Array];
}

interface NumberType {
  readonly bytes: number;
  readonly isInteger: boolean;
  readonly read: (data: Buffer, position: number) => number;
}

/** Big-endian numbers by their TFORM letter. */
const TYPES = {
  B: { bytes: 1, isInteger: true, read: (data, at) => data.readUInt8(at) },
  I: { bytes: 2, isInteger: true, read: (data, at) => data.readInt16BE(at) },
  J: { bytes: 4, isInteger: true, read: (data, at) => data.readInt32BE(at) },
  K: { bytes: 8, isInteger: true, read: (data, at) => Number(data.readBigInt64BE(at)) },
  E: { bytes: 4, isInteger: false, read: (data, at) => data.readFloatBE(at) },
  D: { bytes: 8, isInteger: false, read: (data, at) => data.readDoubleBE(at) },
} as const satisfies Record<string, NumberType>;

/** Bytes of the types that are not read, to know where the next column starts. */
const OTHER_BYTES: Readonly<Record<string, number>> = { L: 1, A: 1, C: 8, M: 16, P: 8, Q: 16 };

const BITPIX_TYPES: ReadonlyMap<number, keyof typeof TYPES> = new Map([
  [8, "B"],
  [16, "I"],
  [32, "J"],
  [64, "K"],
  [-32, "E"],
  [-64, "D"],
]);

/** Where in a row a column starts, how many values it has there, and their TFORM letter. */
function layoutOf(table: FitsUnit, index: number): { offset: number; repeat: number; code: string } {
  let offset = 0;
  for (let field = 0; ; field++) {
    const form = String(table.header.get(`TFORM${field + 1}`) ?? "").trim();
    const [, count = "", code = ""] = /^(\d{0,9})([LXBIJKAEDCMPQ])/.exec(form) ?? [];
    if (code === "") {
      throw new DataError(
        `Cannot read "${table.path}": ${table.name}: TFORM${field + 1} is ${JSON.stringify(form)}, expected a format such as "1D"`,
        { path: table.path },
      );
    }
    const repeat = count === "" ? 1 : Number(count);
    if (field === index) return { offset, repeat, code };
    const itemBytes = code in TYPES ? TYPES[code as keyof typeof TYPES].bytes : OTHER_BYTES[code]!;
    offset += code === "X" ? Math.ceil(repeat / 8) : repeat * itemBytes;
  }
}

/** Keywords and values up to the END card; `end` is the start of the data, null when there is no END. */
function readHeader(
  bytes: Buffer,
  start: number,
  path: string,
  index: number,
): { header: Map<string, FitsValue>; end: number | null } {
  const header = new Map<string, FitsValue>();
  for (let position = start; position + CARD <= bytes.length; position += CARD) {
    const card = bytes.toString("latin1", position, position + CARD);
    const keyword = card.slice(0, 8).trimEnd();
    if (keyword === "END") {
      const end = start + Math.ceil((position + CARD - start) / BLOCK) * BLOCK;
      return { header, end: end <= bytes.length ? end : null };
    }
    if (!/^[A-Z0-9_-]*$/.test(keyword)) {
      throw new DataError(
        `Cannot read "${path}": the header of unit ${index} holds ${JSON.stringify(card.slice(0, 20))}, expected a keyword`,
        { path },
      );
    }
    if (card.slice(8, 10) !== "= " || header.has(keyword)) continue;
    const value = maybeValue(card.slice(10));
    if (value !== null) header.set(keyword, value);
  }
  return { header, end: null };
}

function maybeValue(text: string): FitsValue | null {
  const quoted = /^ *'((?:[^']|'')*)'/.exec(text);
  if (quoted !== null) return quoted[1]!.replaceAll("''", "'").trimEnd();
  const plain = text.split("/", 1)[0]!.trim();
  if (plain === "T" || plain === "F") return plain === "T";
  const number = Number(plain.replace(/[dD]/, "e"));
  return plain !== "" && Number.isFinite(number) ? number : null;
}

function kindOf(header: ReadonlyMap<string, FitsValue>): FitsUnit["kind"] {
  const extension = String(header.get("XTENSION") ?? "IMAGE").trim();
  if (extension === "BINTABLE") return "table";
  return extension === "IMAGE" ? "image" : "other";
}

function nameOf(header: ReadonlyMap<string, FitsValue>, index: number): string {
  if (index === 0) return "primary";
  const own = header.get("EXTNAME");
  return `extension ${index}${typeof own === "string" && own !== "" ? ` (${own})` : ""}`;
}

/** The bytes of a unit's data: |BITPIX| / 8 x GCOUNT x (PCOUNT + NAXIS1 x NAXIS2 x ...). */
function dataSize(header: ReadonlyMap<string, FitsValue>, path: string, name: string): number {
  const fail = (key: string, expected: string): DataError =>
    new DataError(
      `Cannot read "${path}": ${name}: ${key} is ${JSON.stringify(header.get(key) ?? null)}, expected ${expected}`,
      { path },
    );
  const count = (key: string, absent?: number): number => {
    const value = header.get(key) ?? absent;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      throw fail(key, "a whole number of at least 0");
    }
    return value;
  };
  const bitpix = header.get("BITPIX");
  if (typeof bitpix !== "number" || !BITPIX_TYPES.has(bitpix))
    throw fail("BITPIX", [...BITPIX_TYPES.keys()].join(", "));
  const axes = count("NAXIS");
  if (axes > MAX_INDEX) throw fail("NAXIS", `at most ${MAX_INDEX}`);
  const kind = kindOf(header);
  if (kind === "table" && (axes !== 2 || bitpix !== 8)) throw fail("NAXIS", "2 axes of 8-bit values in a table");
  if (kind === "table" && count("TFIELDS") > MAX_INDEX) throw fail("TFIELDS", `at most ${MAX_INDEX}`);
  if (axes === 0) return 0;
  let values = 1;
  for (let axis = 1; axis <= axes; axis++) values *= count(`NAXIS${axis}`);
  const isExtension = header.has("XTENSION");
  const size = (Math.abs(bitpix) / 8) * (isExtension ? count("GCOUNT", 1) * (count("PCOUNT", 0) + values) : values);
  if (!Number.isSafeInteger(size)) throw fail("NAXIS1", "data that fit into a file");
  return size;
}

function integerOf(header: ReadonlyMap<string, FitsValue>, key: string): number {
  return Number(header.get(key) ?? 0);
}

function numberOr(value: FitsValue | undefined, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
