/** A model file's calibration as JSON, for formats that hold text beside the weights: every bit of it comes back. */

import { z } from "zod";
import { type TorchDict, TorchFloat, TorchTensor, type TorchValue } from "../checkpoint";
import { ARRAY_OF, type DType, elementCount } from "../checkpoint/torch-values";
import { isJsonObject } from "../json";

const DTYPES = Object.keys(ARRAY_OF) as [DType, ...DType[]];

/** Python's floats and tensors, apart from integers and dicts; JSON has no infinity. */
const floatSchema = z.strictObject({ float: z.union([z.number(), z.enum(["Infinity", "-Infinity", "NaN"])]) });
const tensorSchema = z.strictObject({
  dtype: z.enum(DTYPES),
  shape: z.array(z.int().nonnegative()),
  base64: z.string(),
});

/** @throws {TypeError} when it holds what no calibration does: lists and integers beyond 2^53. */
export function calibrationToJson(dict: TorchDict): Record<string, unknown> {
  return Object.fromEntries([...dict].map(([key, value]) => [String(key), toJson(value)]));
}

/** The inverse of {@link calibrationToJson}. @throws {Error} naming the first entry that is none of ours. */
export function calibrationFromJson(json: unknown, path = "calibration"): TorchDict {
  if (!isJsonObject(json)) throw new Error(`${path} is no JSON object`);
  return new Map(Object.entries(json).map(([key, value]) => [key, fromJson(value, `${path}.${key}`)]));
}

function toJson(value: TorchValue): unknown {
  if (value instanceof Map) return calibrationToJson(value);
  if (value instanceof TorchFloat) {
    return { float: Number.isFinite(value.value) ? value.value : String(value.value) };
  }
  if (value instanceof TorchTensor) {
    const { dtype, shape, data } = value;
    return { dtype, shape, base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") };
  }
  if (typeof value === "object" ? value === null : typeof value !== "bigint") return value;
  throw new TypeError("A calibration holds dicts, tensors, numbers and texts only");
}

function fromJson(json: unknown, path: string): TorchValue {
  if (typeof json !== "object" || json === null) return json as TorchValue;
  const float = floatSchema.safeParse(json);
  if (float.success) return new TorchFloat(Number(float.data.float));
  const tensor = tensorSchema.safeParse(json);
  if (!tensor.success) return calibrationFromJson(json, path);
  const { dtype, shape, base64 } = tensor.data;
  // A copy: the decoder's memory starts anywhere.
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  const needed = elementCount(shape) * ARRAY_OF[dtype].BYTES_PER_ELEMENT;
  if (bytes.length !== needed) throw new Error(`${path} holds ${bytes.length} bytes, its shape needs ${needed}`);
  return new TorchTensor(dtype, shape, new ARRAY_OF[dtype](bytes.buffer));
}
