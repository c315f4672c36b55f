/** Reads a pipeline's YAML file: variables filled in, every problem found at once, stages in the order they depend. */

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { closest } from "fastest-levenshtein";
import { parseDocument } from "yaml";
import { z } from "zod";
import { ConfigError } from "../errors";
import { describeIoError } from "../files";
import { fillPath } from "../notebook/path-template";
import { linkStages, type UnlinkedStage } from "./order";
import { type Pipeline, RESUME } from "./pipeline";

const text = z.string().min(1);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const stageSchema = z.strictObject({
  notebook: text.optional(),
  command: z
    .array(z.union([text, z.number(), z.boolean()]))
    .min(1)
    .optional(),
  parameters: z.record(z.string(), z.unknown()).default({}),
  inputs: z.array(text).default([]),
  outputs: z.array(text).default([]),
  after: z.array(text).default([]),
  ranks: z.union([z.int().positive(), text]).default(1),
  kernel: text.nullable().default(null),
  timeout: z.number().positive().nullable().default(null),
  save_as: text.optional(),
  stdout: text.nullable().default(null),
});

const fileSchema = z.strictObject({
  folder: text.default("."),
  output: text.default("runs/pipeline"),
  variables: z.record(z.string(), scalar).default({}),
  stages: z.record(
    z.string().regex(/^[\w.-]+$/, "a stage's name is of letters, digits, dots and hyphens"),
    stageSchema,
  ),
});

type StageSpec = z.infer<typeof stageSchema>;
type Variables = Readonly<Record<string, unknown>>;

/**
 * Reads the pipeline in `path`.
 *
 * @param settings take the place of variables, and of `output`.
 * @throws {ConfigError} listing everything that is wrong with the file.
 */
export function readPipeline(path: string, settings: Variables = {}): Pipeline {
  let source: string;
  try {
    source = readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`Cannot read pipeline "${path}": ${describeIoError(cause)}`);
  }
  return parsePipeline(source, path, settings);
}

/** @throws {ConfigError} listing everything that is wrong with the text; `path` says where folders start. */
export function parsePipeline(source: string, path: string, settings: Variables = {}): Pipeline {
  const raw = parseYaml(source, path);
  const parsed = fileSchema.safeParse(raw);
  if (!parsed.success) throw refusal(path, parsed.error.issues.flatMap(describeIssue));
  const file = parsed.data;
  const variables = withSettings(file.variables, settings, path);
  const folder = resolve(dirname(path), file.folder);
  const problems: string[] = [];
  const attempt = <T>(place: string, work: () => T, otherwise: T): T => {
    try {
      return work();
    } catch (error) {
      problems.push(`${place}: ${(error as Error).message}`);
      return otherwise;
    }
  };
  const output = String(settings.output ?? attempt("output", () => fill(file.output, variables), ""));
  const values = { ...variables, output, resume: RESUME };
  const stages = Object.entries(file.stages).flatMap(([name, spec]) => {
    const stage = attempt(`stages.${name}`, () => resolveStage(name, spec, values), null);
    if (stage === null) return [];
    if (stage.work.kind === "notebook" && !existsSync(resolve(folder, stage.work.notebook))) {
      problems.push(`stages.${name}: there is no notebook "${stage.work.notebook}" in "${folder}"`);
    }
    return [stage];
  });
  if (problems.length === 0 && stages.length === 0) problems.push("stages: there are none");
  if (problems.length > 0) throw refusal(path, problems);
  const linked = linkStages(stages);
  if (linked.problems.length > 0) throw refusal(path, linked.problems);
  return { path, folder, output, stages: linked.stages };
}

function parseYaml(source: string, path: string): unknown {
  let problem: string;
  try {
    const document = parseDocument(source, { prettyErrors: true });
    const [fault] = document.errors;
    if (fault === undefined) return document.toJS({ maxAliasCount: 100 });
    const reason = fault.message.split("\n")[0]!.replace(/ at line \d+.*$/, "");
    problem = `line ${fault.linePos?.[0].line}: ${reason}`;
  } catch (cause) {
    problem = (cause as Error).message; // more aliases than a person writes
  }
  throw refusal(path, [problem]);
}

function resolveStage(name: string, spec: StageSpec, values: Variables): UnlinkedStage {
  const { notebook, command } = spec;
  if ((notebook === undefined) === (command === undefined)) throw new Error('it needs either "notebook" or "command"');
  const paths = (list: readonly string[]): string[] => list.map((path) => trimmed(String(fill(path, values))));
  const ranks = fill(spec.ranks, values);
  if (!Number.isInteger(ranks) || Number(ranks) < 1)
    throw new Error(`ranks must be an integer of at least 1, got ${ranks}`);
  const common = { name, inputs: paths(spec.inputs), after: spec.after, ranks: Number(ranks) };
  if (command !== undefined) {
    refuseKeys(spec, ["kernel", "timeout", "save_as"], "notebook");
    if (Object.keys(spec.parameters).length > 0) throw new Error('"parameters" is for stages with a notebook');
    const stdout = spec.stdout === null ? null : paths([spec.stdout])[0]!;
    const outputs = [...paths(spec.outputs), ...(stdout === null ? [] : [stdout])];
    const words = command.map((word) => String(fill(word, values)));
    return { ...common, outputs, work: { kind: "command", words, stdout } };
  }
  refuseKeys(spec, ["stdout"], "command");
  return {
    ...common,
    outputs: paths(spec.outputs),
    work: {
      kind: "notebook",
      notebook: trimmed(String(fill(notebook, values))),
      parameters: fill(spec.parameters, values) as Record<string, unknown>,
      kernel: spec.kernel,
      timeoutSeconds: spec.timeout,
      saveAs: trimmed(String(fill(spec.save_as ?? `{output}/${name}.ipynb`, values))),
    },
  };
}

function refuseKeys(spec: StageSpec, keys: readonly (keyof StageSpec)[], kind: string): void {
  const wrong = keys.find((key) => spec[key] !== undefined && spec[key] !== null);
  if (wrong !== undefined) throw new Error(`"${wrong}" is for stages with a ${kind}`);
}

/** Variables in texts anywhere inside `value`; a text that is one variable alone takes its type. */
function fill(value: unknown, values: Variables): unknown {
  if (typeof value === "string") {
    const [, alone] = /^\{(\w+)\}$/.exec(value) ?? [];
    return alone !== undefined && Object.hasOwn(values, alone) ? values[alone] : fillPath(value, values);
  }
  if (Array.isArray(value)) return value.map((inner) => fill(inner, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner, values)]));
}

/** Settings over the file's variables, which may build on those above them. */
function withSettings(declared: Variables, settings: Variables, path: string): Variables {
  const known = [...Object.keys(declared), "output"];
  const unknown = Object.keys(settings).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const problems = unknown.map((name) => `there is no variable "${name}"; did you mean "${closest(name, known)}"?`);
    throw refusal(path, problems);
  }
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(declared)) {
    if (name === "output" || name === "resume")
      throw refusal(path, [`variables.${name}: this name has a meaning of its own`]);
    try {
      values[name] = settings[name] ?? fill(value, values);
    } catch (error) {
      throw refusal(path, [`variables.${name}: ${(error as Error).message}`]);
    }
  }
  return values;
}

function trimmed(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") return [`${place === "" ? "file" : place}: ${issue.message}`];
  const known = Object.keys(issue.path.length === 0 ? fileSchema.shape : stageSchema.shape);
  return issue.keys.map((key) => {
    const where = place === "" ? key : `${place}.${key}`;
    return `${where} is no key of a ${place === "" ? "pipeline" : "stage"}; did you mean "${closest(key, known)}"?`;
  });
}

function refusal(path: string, problems: readonly string[]): ConfigError {
  const lines = problems.map((problem) => `  ${problem}`);
  const [only] = problems;
  const head = `Cannot use pipeline "${basename(path)}":`;
  return new ConfigError(problems.length === 1 ? `${head} ${only}` : [head, ...lines].join("\n"), problems);
}
