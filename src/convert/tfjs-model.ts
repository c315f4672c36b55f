/**
 * A tfjs graph model in two files: `model.json` with the graph, and its weights as raw bytes beside it. A browser loads it
 * with `tf.loadGraphModel("model.json")`; `predict` then takes [B, inputs] and gives one [B, classes] per head.
 *
 * Source: tfjs-core `src/io/types.ts` (`ModelJSON`), tfjs-converter `src/executor/graph_model.ts`.
 */

import { createHash } from "node:crypto";
import { promises as fs } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { NetworkSettings, StateTensor, TorchDict } from "../checkpoint";
import { loadError } from "../checkpoint/load-error";
import { parseConfig } from "../config";
import { writeFileAtomic } from "../data/files";
import { inputPoints } from "../data/prepare-spectrum";
import { version } from "../version";
import { calibrationFromJson, calibrationToJson } from "./calibration-json";
import { type GraphBuilder, shapeOf } from "./graph-builder";
import { fromGraphLayout } from "./graph-layout";
import { INPUT_NAME, networkGraph } from "./network-graph";
import { parseModelJson } from "./tfjs-schema";

/** A network with all that a `model.json` holds of it. */
export interface TfjsModel {
  /** Parameters by PyTorch's names; they fit the settings. */
  readonly model: ReadonlyMap<string, StateTensor>;
  readonly settings: NetworkSettings;
  /** null without one; the graph gives the scores as they are. */
  readonly calibration: TorchDict | null;
}

/**
 * Writes a network for tfjs: `path`, and `<name>.weights.bin` in the same folder.
 *
 * @returns the paths written.
 * @throws {DataError} when a file cannot be written.
 */
export async function writeTfjsModel(path: string, contents: TfjsModel): Promise<string[]> {
  const { model, settings } = contents;
  const graph = networkGraph(model, settings);
  const weights = Buffer.concat(graph.constants.map(({ data }) => bytesOf(data)));
  const weightsPath = path.replace(/(\.json)?$/, ".weights.bin");
  // The graph names the weights by their sum, so that a cut between the two writes is found when they are read.
  await writeFileAtomic(weightsPath, weights);
  await writeFileAtomic(path, JSON.stringify(modelJson(graph, contents, basename(weightsPath), weights)));
  return [path, weightsPath];
}

/**
 * Reads a network that {@link writeTfjsModel} wrote.
 *
 * @throws {CheckpointError} when a file is missing or damaged, or another program wrote it.
 */
export async function readTfjsModel(path: string): Promise<TfjsModel> {
  try {
    const { weightsManifest, userDefinedMetadata } = parseModelJson(await fs.readFile(path, "utf8"));
    const [group] = weightsManifest;
    const [file] = group.paths;
    if (basename(file) !== file) throw new Error(`it names "${file}", expected weights in its own folder`);
    const bytes = await fs.readFile(join(dirname(path), file));
    const { points, config, calibration, weights_sha256: expected } = userDefinedMetadata.asterolab;
    if (sha256Of(bytes) !== expected) throw new Error(`the SHA-256 of "${file}" differs from the one it names`);
    const model = new Map<string, StateTensor>();
    let position = 0;
    for (const { name, shape, dtype } of group.weights) {
      const count = shape.reduce((product, size) => product * size, 1);
      if (position + 4 * count > bytes.length) throw new Error(`"${file}" ends before ${name}`);
      const data = new Float32Array(Uint8Array.from(bytes.subarray(position, position + 4 * count)).buffer);
      position += 4 * count;
      // The rest are constants of the graph.
      if (dtype === "float32" && !name.startsWith("graph/")) model.set(name, fromGraphLayout(name, { shape, data }));
    }
    return {
      model,
      settings: { points, config: parseConfig("default", config) },
      calibration: calibration === undefined ? null : calibrationFromJson(calibration),
    };
  } catch (cause) {
    throw loadError(path, cause);
  }
}

function modelJson(
  graph: GraphBuilder,
  { settings: { config, points }, calibration }: TfjsModel,
  weightsFile: string,
  weights: Uint8Array,
): Record<string, unknown> {
  const tensorInfo = (name: string, sizes: readonly number[]): Record<string, unknown> => ({
    name: `${name}:0`,
    dtype: "DT_FLOAT",
    tensorShape: shapeOf(sizes),
  });
  return {
    format: "graph-model",
    generatedBy: `Asterolab ${version}`,
    convertedBy: null,
    signature: {
      inputs: { [INPUT_NAME]: tensorInfo(INPUT_NAME, [-1, inputPoints(points, config.rebin)]) },
      outputs: Object.fromEntries(config.heads.map((head) => [head, tensorInfo(head, [-1, -1])])),
    },
    modelTopology: { node: graph.nodes, library: {}, versions: { producer: 1 } },
    weightsManifest: [
      { paths: [weightsFile], weights: graph.constants.map(({ name, shape, dtype }) => ({ name, shape, dtype })) },
    ],
    userDefinedMetadata: {
      structuredOutputKeys: config.heads,
      asterolab: {
        ...{ version, points, config, weights_sha256: sha256Of(weights) },
        ...(calibration && { calibration: calibrationToJson(calibration) }),
      },
    },
  };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
