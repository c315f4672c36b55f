/** The settings of a training run: one parse turns a raw spec into a read-only `Config` with every field present. */

import { readFileSync } from "node:fs";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { LONGEST_DAYS, SHORTEST_DAYS } from "./data/grid";
import { HEAD_NAMES, type HeadName, SEVEN_HEADS } from "./data/parameters";
import { maybePrecisionProblem } from "./engine/precision";
import { ConfigError } from "./errors";
import { describeIoError } from "./files";
import { isJsonObject, parseJson } from "./json";
import { PRIOR_NAMES, type PriorName } from "./simulate/priors";

/** Keeps the rows whose label column compares as stated, for example `{ column: "inc", op: ">=", value: 45 }`. */
export interface Filter {
  /** A parameter's name or a 0-based label column. */
  readonly column: HeadName | number;
  readonly op: "<" | "<=" | ">" | ">=" | "==" | "!=";
  readonly value: number;
}

/** What training minimises: classes, or a value (with its variance, for `gaussian_nll`) of each scaled parameter. */
export type Loss = "sparse_categorical_crossentropy" | "mean_squared_error" | "gaussian_nll";

/** Where validation spectra come from, and how often they are used. */
export interface ValidationConfig {
  /** The number of last shards held out where no `dataset.json` says which; null: one in twenty, at least one. */
  readonly shards: number | null;
  /** A separate data set to validate on; null: shards held out of `data_dir`. */
  readonly data_dir: string | null;
  readonly every_epochs: number;
}

/** A stream of simulated stars instead of a data set on disk. */
export interface SimulateConfig {
  readonly prior: PriorName;
  /** Stars per epoch. */
  readonly spectra: number;
  /** Stars held out for validation, always the same, unless `validation.data_dir` names others. */
  readonly validation_spectra: number;
  /** Shortest and longest observation, days; three in four stars are observed for the longest time. */
  readonly days: readonly [number, number];
  /** The part of the stars whose observations have gaps. */
  readonly gaps: number;
  /** Worker threads; null: one per core. */
  readonly workers: number | null;
}

export interface EarlyStopping {
  /** Validations (see `validation.every_epochs`) without improvement before training stops. */
  readonly patience: number;
  /** The least decrease of the validation loss that counts as improvement. */
  readonly min_delta: number;
}

/** Every setting of a run; names are those of the reference program where it has them. */
export interface Config {
  readonly num_epochs: number;
  /** Spectra per optimizer step over all ranks. */
  readonly num_batchsize: number;
  readonly loss: Loss;
  /** Adds a sinusoidal position code to the sequence that enters the LSTMs. */
  readonly pos_enc: boolean;
  readonly data_dir: string;
  readonly heads: readonly HeadName[];
  /** Class edges that replace the table's, per head, ascending. */
  readonly edges: Readonly<Partial<Record<HeadName, readonly number[]>>>;
  /** Output channels of the convolution stages. */
  readonly filters: readonly number[];
  readonly kernel_size: number;
  readonly lstm_units: readonly number[];
  readonly dense_units: number;
  readonly dropout: number;
  /** Of the schedule `constant`. */
  readonly learning_rate: number;
  readonly schedule: "one_cycle" | "constant";
  /** The highest of the schedule `one_cycle`. */
  readonly max_lr: number;
  /** Scheduler steps of one cycle per epoch; null: as often as the schedule advances in an epoch. */
  readonly steps_per_epoch: number | null;
  /** When the schedule advances: after each optimizer step, or after each epoch as the original does. */
  readonly schedule_interval: "step" | "epoch";
  /** What a step does whose loss or gradient is no number: end the run, or leave the weights and go on. */
  readonly on_nan: "stop" | "skip";
  /** Gradients are scaled down to this global norm; null: never. */
  readonly clip_norm: number | null;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly filter: readonly Filter[];
  /** Rows read from each shard after the filter; null: all. */
  readonly rows_per_shard: number | null;
  /** What becomes of a row whose label lies outside the class edges. */
  readonly out_of_range: "clip" | "drop";
  /** `median` and `background` divide each spectrum by its median or its smooth background; `none` takes it as it is. */
  readonly normalize: "median" | "background" | "none";
  /** Neighbouring bins whose mean power makes one input of the network. */
  readonly rebin: number;
  /** Bands of frequency whose mean power and mean log power reach the trunk past the convolutions; 0: none. */
  readonly summary: number;
  /** Stars that are simulated while training, and never twice; null: those of `data_dir`. */
  readonly simulate: SimulateConfig | null;
  /** A `.pth` file whose weights the run starts from; heads may have other class edges there. */
  readonly init: string | null;
  readonly validation: ValidationConfig;
  /** Optimizer steps between checkpoints inside an epoch; null: only after an epoch. */
  readonly checkpoint_every_steps: number | null;
  /** How many `checkpoint-<epoch>.pth` stay. */
  readonly keep: number;
  readonly engine: (typeof ENGINE_NAMES)[number];
  /** Threads of the native engine; null: the cores of this process. */
  readonly threads: number | null;
  /** `mixed`: products in bfloat16, all else in float32 (Micikevicius et al. 2018, arXiv:1710.03740); tensorflow only. */
  readonly precision: (typeof PRECISIONS)[number];
  /** Batches of `num_batchsize` whose mean gradient makes one optimizer step. */
  readonly accumulate: number;
  readonly early_stopping: EarlyStopping | null;
  /** Optimizer steps between the reference's log lines. */
  readonly log_every: number;
  /** Ranks add gradients in the same order each time: the same weights bit for bit for a given number of ranks. */
  readonly deterministic: boolean;
  /** Optimizer steps after which ranks compare the hashes of their weights. */
  readonly compare_every: number;
}

/** Where to compute; `auto` takes the first of the others that works here. */
export const ENGINE_NAMES = ["auto", "native", "tensorflow", "cpu"] as const;

/** Threads that the native engine starts at most. */
export const MOST_THREADS = 4096;

export const PRECISIONS = ["float32", "mixed"] as const;

/** The names of `PRESETS`. */
export type PresetName = "reference" | "default" | "compact";

const headName = z.enum(HEAD_NAMES);
const count = z.int().positive();
const positive = z.number().positive();

const filterSchema = z.strictObject({
  column: z.union(
    [headName, z.int().min(0).max(35)],
    `expected a label column from 0 to 35, or one of ${HEAD_NAMES.join(", ")}`,
  ),
  op: z.enum(["<", "<=", ">", ">=", "==", "!="]),
  value: z.number(),
});

const MOST_CLASSES = 10_000;

const edgeList = z
  .array(z.number())
  .min(3)
  .refine(({ length }) => length <= MOST_CLASSES + 1, `must be at most ${MOST_CLASSES + 1} numbers`);

const EDGES_FORMS =
  'expected at least 3 ascending numbers, or a rule such as {"from": 1, "to": 19, "classes": 180, "spacing": "linear"} ' +
  `with from below to (above 0 for "log") and 2 to ${MOST_CLASSES} classes`;

/** Edges by rule: `{"from": 0.95, "to": 19.5, "classes": 360, "spacing": "log"}`; the config holds the numbers. */
const evenEdges = z
  .strictObject({
    from: z.number(),
    to: z.number(),
    classes: z.int().min(2).max(MOST_CLASSES),
    spacing: z.enum(["linear", "log"]),
  })
  .refine(
    ({ from, to, spacing }) => from < to && (spacing === "linear" || from > 0),
    "must ascend, and be above 0 for log",
  )
  .transform(({ from, to, classes, spacing }) => {
    const at = (part: number): number => (spacing === "log" ? from * (to / from) ** part : from + (to - from) * part);
    return Array.from({ length: classes + 1 }, (_, edge) => Number(at(edge / classes).toPrecision(8)));
  });

const configSchema = z.strictObject({
  num_epochs: count,
  num_batchsize: count,
  loss: z.enum(["sparse_categorical_crossentropy", "mean_squared_error", "gaussian_nll"]),
  pos_enc: z.boolean(),
  data_dir: z.string().min(1),
  heads: z.array(headName).min(1),
  edges: z.partialRecord(headName, z.union([edgeList, evenEdges], EDGES_FORMS)),
  filters: z.array(count).min(1),
  kernel_size: count.refine((size) => size % 2 === 1, "must be odd, so that the convolution keeps the length"),
  lstm_units: z.array(count).length(2),
  dense_units: count,
  dropout: z.number().min(0).lt(1),
  learning_rate: positive,
  schedule: z.enum(["one_cycle", "constant"]),
  max_lr: positive,
  steps_per_epoch: count.nullable(),
  schedule_interval: z.enum(["step", "epoch"]),
  clip_norm: positive.nullable(),
  on_nan: z.enum(["stop", "skip"]),
  shuffle: z.boolean(),
  seed: z.int().nonnegative(),
  filter: z.array(filterSchema),
  rows_per_shard: count.nullable(),
  out_of_range: z.enum(["clip", "drop"]),
  normalize: z.enum(["median", "background", "none"]),
  rebin: count,
  summary: z.int().nonnegative(),
  simulate: z
    .strictObject({
      prior: z.enum(PRIOR_NAMES).default("population"),
      spectra: count.default(16384),
      validation_spectra: count.default(1024),
      days: z
        .tuple([z.number().min(SHORTEST_DAYS), z.number().max(LONGEST_DAYS)])
        .refine(([shortest, longest]) => shortest <= longest, "must be the shortest and the longest time")
        .default([LONGEST_DAYS, LONGEST_DAYS]),
      gaps: z.number().min(0).max(1).default(0),
      workers: count.nullable().default(null),
    })
    .nullable(),
  init: z.string().min(1).nullable(),
  validation: z.strictObject({
    shards: count.nullable(),
    data_dir: z.string().min(1).nullable(),
    every_epochs: count,
  }),
  checkpoint_every_steps: count.nullable(),
  keep: count,
  engine: z.enum(ENGINE_NAMES),
  threads: count.max(MOST_THREADS).nullable(),
  precision: z.enum(PRECISIONS),
  accumulate: count,
  early_stopping: z.strictObject({ patience: count, min_delta: z.number().nonnegative() }).nullable(),
  log_every: count,
  deterministic: z.boolean(),
  compare_every: count,
});

const DEFAULT: Config = {
  num_epochs: 20,
  num_batchsize: 64,
  loss: "sparse_categorical_crossentropy",
  pos_enc: false,
  data_dir: "data",
  heads: SEVEN_HEADS,
  edges: {},
  filters: [16, 32, 64, 128, 256, 512],
  kernel_size: 51,
  lstm_units: [256, 512],
  dense_units: 200,
  dropout: 0.25,
  learning_rate: 1e-4,
  schedule: "one_cycle",
  max_lr: 5e-4,
  steps_per_epoch: null,
  schedule_interval: "step",
  clip_norm: 1,
  on_nan: "stop",
  shuffle: true,
  seed: 1,
  filter: [],
  rows_per_shard: null,
  out_of_range: "clip",
  normalize: "median",
  rebin: 1,
  summary: 0,
  simulate: null,
  init: null,
  validation: { shards: null, data_dir: null, every_epochs: 1 },
  checkpoint_every_steps: null,
  keep: 3,
  engine: "auto",
  threads: null,
  precision: "float32",
  accumulate: 1,
  early_stopping: null,
  log_every: 30,
  deterministic: false,
  compare_every: 100,
};

/** Named starting points; a config file and `--set` change single settings of one. */
export const PRESETS: Readonly<Record<PresetName, Config>> = {
  // The original program's choices, as far as they can be reproduced.
  reference: {
    ...DEFAULT,
    num_epochs: 50,
    num_batchsize: 1024,
    steps_per_epoch: 20,
    schedule_interval: "epoch",
    filter: [{ column: "inc", op: ">=", value: 0.45 }],
    rows_per_shard: 4336,
    normalize: "none",
    validation: { shards: 8, data_dir: null, every_epochs: 1 },
  },
  default: DEFAULT,
  // A network that learns within minutes on a laptop: a tenth of the parameters, all heads.
  compact: {
    ...DEFAULT,
    num_epochs: 10,
    num_batchsize: 32,
    heads: HEAD_NAMES,
    filters: [8, 16, 32, 64, 64, 64],
    lstm_units: [64, 64],
    dense_units: 128,
    dropout: 0.1,
    max_lr: 2e-3,
  },
};

/** A raw spec: any subset of the settings, as read from JSON. */
export type ConfigSpec = Readonly<Record<string, unknown>>;

/**
 * Turns presets and raw specs into a config; later specs win, nested objects are merged key by key.
 *
 * @throws {ConfigError} listing every unknown setting, wrong type and contradiction at once.
 */
export function parseConfig(preset: PresetName, ...specs: readonly ConfigSpec[]): Config {
  const merged = specs.reduce<ConfigSpec>(mergeSpecs, PRESETS[preset] as unknown as ConfigSpec);
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) throw configError(parsed.error.issues.flatMap((issue) => describeIssue(issue, merged)));
  const config = parsed.data as Config;
  const problems = contradictions(config);
  if (problems.length > 0) throw configError(problems);
  return config;
}

/**
 * Reads a JSON config file as a raw spec.
 *
 * @throws {ConfigError} when the file is missing, is not JSON, or holds no object.
 */
export function readConfigFile(path: string): ConfigSpec {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw configError([`Cannot read config file "${path}": ${describeIoError(cause)}`]);
  }
  try {
    const spec = parseJson(text);
    if (typeof spec === "object" && spec !== null && !Array.isArray(spec)) return spec as ConfigSpec;
  } catch (cause) {
    throw configError([`Cannot parse config file "${path}": ${(cause as Error).message}`]);
  }
  throw configError([`Cannot parse config file "${path}": expected one JSON object of settings`]);
}

/**
 * Turns one `key=value` of the command line into a raw spec; dots reach into objects, values are JSON where they parse
 * and strings otherwise: `num_epochs=3`, `validation.shards=1`, `heads=["dnu","numax"]`.
 *
 * @throws {ConfigError} when there is no `=`.
 */
export function parseAssignment(assignment: string): ConfigSpec {
  const separator = assignment.indexOf("=");
  if (separator < 1) throw configError([`Cannot parse "--set ${shorten(assignment)}": expected key=value`]);
  const keys = assignment.slice(0, separator).split(".");
  const text = assignment.slice(separator + 1);
  let value: unknown = text;
  try {
    value = parseJson(text);
  } catch {
    // Not JSON: the string itself is the value.
  }
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as ConfigSpec;
}

function mergeSpecs(base: ConfigSpec, spec: ConfigSpec): ConfigSpec {
  const changed = Object.entries(spec).map(([key, value]) => {
    const previous = base[key];
    return [key, isJsonObject(previous) && isJsonObject(value) ? mergeSpecs(previous, value) : value];
  });
  // Not by assignment, to which the key "__proto__" would mean something else.
  return { ...base, ...Object.fromEntries(changed) };
}

function configError(problems: readonly string[]): ConfigError {
  return new ConfigError(problems.join("\n"), problems);
}

function describeIssue(issue: z.core.$ZodIssue, merged: ConfigSpec): string[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(path);
    return issue.keys.map((key) => {
      const setting = [...path, key].join(".");
      const hint = known.length > 0 ? `; did you mean "${[...path, closest(key, [...known])].join(".")}"?` : "";
      return `Unknown setting "${setting}"${hint}`;
    });
  }
  const value = path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], merged);
  return [`Setting "${path.join(".")}" is ${shorten(JSON.stringify(value) ?? "missing")}: ${issue.message}`];
}

/** Messages stay readable, whatever they quote. */
function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

function knownKeys(path: readonly string[]): readonly string[] {
  let owner: unknown = configSchema;
  for (const key of path) {
    owner = owner instanceof z.ZodObject ? owner.shape[key] : owner instanceof z.ZodArray ? owner.element : undefined;
    if (owner instanceof z.ZodNullable) owner = owner.unwrap();
  }
  return owner instanceof z.ZodObject ? Object.keys(owner.shape) : [];
}

function contradictions(config: Config): string[] {
  const problems: string[] = [];
  for (const [head, edges] of Object.entries(config.edges)) {
    if (edges?.some((edge, index) => index > 0 && !(edge > edges[index - 1]!))) {
      problems.push(`Setting "edges.${head}" must ascend`);
    }
  }
  if (new Set(config.heads).size !== config.heads.length) problems.push(`Setting "heads" names a head twice`);
  const precision = maybePrecisionProblem(config.engine, config.precision);
  if (precision !== null) problems.push(precision);
  return problems;
}
