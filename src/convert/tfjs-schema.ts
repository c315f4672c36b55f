/** What a `model.json` must hold for its weights to be read back; the graph itself is not looked at. */

import { z } from "zod";
import { parseJson } from "../json";

const count = z.int().nonnegative();

const modelJsonSchema = z.object({
  format: z.literal("graph-model"),
  weightsManifest: z.tuple([
    z.object({
      paths: z.tuple([z.string().min(1)]),
      weights: z.array(z.object({ name: z.string(), shape: z.array(count), dtype: z.enum(["float32", "int32"]) })),
    }),
  ]),
  userDefinedMetadata: z.object({
    asterolab: z.object({
      points: count.positive(),
      config: z.record(z.string(), z.unknown()),
      calibration: z.record(z.string(), z.unknown()).optional(),
      weights_sha256: z.string(),
    }),
  }),
});

export type ModelJson = z.infer<typeof modelJsonSchema>;

/** @throws {Error} when the text is no `model.json` of Asterolab. */
export function parseModelJson(text: string): ModelJson {
  const parsed = modelJsonSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`it is no graph model of Asterolab: ${issue!.path.join(".") || "the document"}: ${issue!.message}`);
}
