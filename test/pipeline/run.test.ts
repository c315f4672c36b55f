import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { readNotebook, serializeNotebook } from "../../src/notebook/notebook-file";
import { maybeProvenance } from "../../src/notebook/provenance";
import { Interruption } from "../../src/notebook/stop";
import {
  cacheOf,
  maybeReadRecord,
  type PipelineEvent,
  type PipelineRunOptions,
  parsePipeline,
  planPipeline,
  runPipeline,
} from "../../src/pipeline";
import { writeRecord } from "../../src/pipeline/record";
import { StageFile } from "../../src/pipeline/stage-file";
import { codeCell, FIXTURES, processesUnder, type Step, scripted } from "../notebook/notebook-builder";
import { temporaryFolder } from "../temporary-folder";

process.env.JUPYTER_PATH = FIXTURES;

/** A folder with notebooks of the scripted kernel and a pipeline over them. */
class Workshop {
  readonly folder = temporaryFolder();

  notebook(name: string, ...steps: readonly Step[]): void {
    const metadata = { kernelspec: { name: "scripted", display_name: "", language: "typescript" } };
    const cells = [{ ...scripted(...steps), id: "only" }];
    writeFileSync(this.path(`${name}.ipynb`), serializeNotebook({ nbformat: 4, nbformat_minor: 5, metadata, cells }));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Runs the pipeline; tells what happened in a line per stage. */
  async run(yaml: string, options: PipelineRunOptions = {}): Promise<string[]> {
    const lines: string[] = [];
    const onEvent = (event: PipelineEvent): void => {
      const { name } = event.stage;
      if (event.kind === "skip") lines.push(`${name} skipped`);
      if (event.kind === "start") lines.push(`${name} runs: ${event.reasons.join("; ")}`);
      if (event.kind === "blocked") lines.push(`${name} blocked by ${event.by.join(", ")}`);
      if (event.kind === "end") lines.push(`${name} ${event.outcome}`);
      options.onEvent?.(event);
    };
    await runPipeline(parsePipeline(yaml, this.path("p.yaml")), { code: "1", ...options, onEvent });
    return lines;
  }

  async status(yaml: string): Promise<string[]> {
    const pipeline = parsePipeline(yaml, this.path("p.yaml"));
    const record = maybeReadRecord(this.path("out"));
    const planned = await planPipeline({ pipeline, record, code: "1", cache: cacheOf(record) });
    return planned.map(({ stage, state, reasons }) => `${stage.name} ${state} ${reasons.join("; ")}`.trim());
  }
}

const THREE = `
output: out
stages:
  make: { notebook: make.ipynb, outputs: [a.txt] }
  use: { notebook: use.ipynb, parameters: { n: 1 }, inputs: [a.txt], outputs: [b.txt] }
  last: { notebook: last.ipynb, inputs: [b.txt] }
`;

function threeStages(): Workshop {
  const shop = new Workshop();
  shop.notebook("make", ["write", "a.txt", "one"]);
  shop.notebook("use", ["write", "b.txt", "same"]);
  shop.notebook("last", ["stream", "stdout", "seen"]);
  return shop;
}

test("stages run once, and again only where something changed and as far as it reaches", async () => {
  const shop = threeStages();
  assert.deepEqual(await shop.status(THREE), [
    "make stale it never ran",
    "use stale it never ran; after make",
    "last stale it never ran; after use",
  ]);
  assert.deepEqual(await shop.run(THREE), [
    "make runs: it never ran",
    "make done",
    "use runs: it never ran",
    "use done",
    "last runs: it never ran",
    "last done",
  ]);
  assert.deepEqual(await shop.run(THREE), ["make skipped", "use skipped", "last skipped"]);
  assert.deepEqual(await shop.status(THREE), ["make fresh", "use fresh", "last fresh"]);

  shop.notebook("make", ["write", "a.txt", "two"]);
  assert.deepEqual(await shop.status(THREE), [
    "make stale its notebook's code changed",
    "use waiting after make",
    "last waiting after use",
  ]);
  // What "use" writes stays the same, so that nothing changes for "last".
  assert.deepEqual(await shop.run(THREE), [
    "make runs: its notebook's code changed",
    "make done",
    'use runs: its input "a.txt" changed',
    "use done",
    "last skipped",
  ]);
  assert.deepEqual(await shop.run(THREE.replace("n: 1", "n: 2")), [
    "make skipped",
    "use runs: parameter n was 1, is 2",
    "use done",
    "last skipped",
  ]);
  rmSync(shop.path("out/last.ipynb"));
  assert.deepEqual((await shop.run(THREE.replace("n: 1", "n: 2"))).slice(-2), [
    'last runs: its executed notebook "out/last.ipynb" is missing',
    "last done",
  ]);
});

test("a stage runs again when its notebook asks for another kernel", async () => {
  const shop = threeStages();
  await shop.run(THREE);
  const path = shop.path("last.ipynb");
  writeFileSync(path, readFileSync(path, "utf8").replace('"name": "scripted"', '"name": "other"'));
  assert.equal((await shop.status(THREE)).at(-1), "last stale its kernel was scripted, is other");
});

test("a run leaves executed notebooks with their provenance, pages, an index and a record", async () => {
  const shop = threeStages();
  await shop.run(THREE);
  const provenance = maybeProvenance(await readNotebook(shop.path("out/use.ipynb")))!;
  assert.match(provenance.inputs["a.txt"]!, /^[0-9a-f]{64}$/);
  assert.match(readFileSync(shop.path("out/use.html"), "utf8"), /^<!doctype html>/);
  const index = readFileSync(shop.path("out/index.html"), "utf8");
  assert.match(index, /<td>use<\/td>\n<td>use\.ipynb<\/td>\n<td>done<\/td>/);
  assert.match(index, /<a href="use\.html">page<\/a>, <a href="use\.ipynb">notebook<\/a>/);
  const record = maybeReadRecord(shop.path("out"))!;
  assert.equal(record.stages.use!.status, "done");
  assert.deepEqual(record.stages.use!.reasons, ["it never ran"]);
  assert.ok(!existsSync(shop.path("out/run.lock")));
});

test("a failure stops what depends on it; the others go on, and the next run begins there", async () => {
  const shop = threeStages();
  const yaml = `${THREE}  alone: { notebook: last.ipynb, save_as: out/alone.ipynb }\n`;
  shop.notebook("use", ["error", "RangeError", "too far"]);
  assert.deepEqual(await shop.run(yaml), [
    "make runs: it never ran",
    "make done",
    "use runs: it never ran",
    "use failed",
    "last blocked by use",
    "alone runs: it never ran",
    "alone done",
  ]);
  const { error } = maybeReadRecord(shop.path("out"))!.stages.use!;
  assert.match(error!, /^Notebook ".*use\.ipynb" stopped at cell 1: RangeError: too far$/);
  shop.notebook("use", ["write", "b.txt", "same"]);
  assert.deepEqual(await shop.run(yaml), [
    "make skipped",
    "use runs: it failed last time; its notebook's code changed",
    "use done",
    "last runs: it never ran",
    "last done",
    "alone skipped",
  ]);
});

test("a stage that does not write what it promises has failed", async () => {
  const shop = threeStages();
  shop.notebook("make", []);
  assert.deepEqual((await shop.run(THREE)).slice(1, 2), ["make failed"]);
  const { error } = maybeReadRecord(shop.path("out"))!.stages.make!;
  assert.equal(error, 'it ended well, but did not write "a.txt"');
});

test("a command whose log or output takes no more has failed, with the reason; the run goes on", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "out", "a.log"), { recursive: true });
  const yaml = `output: out
stages:
  a: { command: [kernels, list] }
  c: { command: [kernels, list], stdout: kernels.txt }
`;
  const { outcomes, record } = await runPipeline(parsePipeline(yaml, join(folder, "p.yaml")));
  assert.deepEqual([...outcomes.values()], ["failed", "done"]);
  assert.match(record.stages.a!.error!, /^Cannot write ".*a\.log": it is a folder, expected a file$/);
  const file = await StageFile.open("/dev/full");
  for (let chunk = 0; chunk < 3; chunk++) file.write("text");
  assert.equal((await file.close())!.message, 'Cannot write "/dev/full": no space left on the disk');
});

test("independent stages run side by side, as many as asked for", async () => {
  const shop = new Workshop();
  const yaml = `output: out\nstages:\n${["a", "b", "c"].map((name) => `  ${name}: { notebook: ${name}.ipynb }`).join("\n")}`;
  for (const name of ["a", "b", "c"]) shop.notebook(name, ["sleep", 200]);
  for (const jobs of [1, 2]) {
    let running = 0;
    let most = 0;
    const onEvent = (event: PipelineEvent): void => {
      if (event.kind === "start") most = Math.max(most, ++running);
      if (event.kind === "end") running--;
    };
    await shop.run(yaml, { jobs, force: true, onEvent });
    assert.equal(most, jobs);
  }
});

test("only the stages asked for run, with what they depend on; others keep their record", async () => {
  const shop = threeStages();
  assert.deepEqual((await shop.run(THREE, { stages: ["use"] })).length, 4);
  assert.deepEqual(await shop.status(THREE), ["make fresh", "use fresh", "last stale it never ran"]);
});

test("an interrupted stage says so, and the next run takes it up with resume", async () => {
  const shop = threeStages();
  const yaml = THREE.replace("n: 1", 'how: "{resume}"');
  shop.notebook("use", ["sleep", 60_000]);
  const stop = new AbortController();
  const onEvent = (event: PipelineEvent): void => {
    if (event.kind === "line" && event.stage.name === "use") stop.abort(new Interruption("SIGINT"));
  };
  const lines = await shop.run(yaml, { signal: stop.signal, onEvent });
  assert.deepEqual(lines.slice(-2), ["use interrupted", "last blocked by use"]);
  assert.deepEqual(processesUnder(process.pid), []);
  const injected = async (): Promise<string> =>
    (await readNotebook(shop.path("out/use.ipynb"))).cells
      .map(({ source }) => source)
      .find((source) => source.startsWith("//"))!;
  assert.equal(await injected(), '// Parameters\nlet how = "no";\n');

  // As a run that was killed leaves it.
  const record = maybeReadRecord(shop.path("out"))!;
  await writeRecord(shop.path("out"), {
    ...record,
    stages: { ...record.stages, use: { ...record.stages.use!, status: "running" } },
  });
  const again = new AbortController();
  const stopAgain = (event: PipelineEvent): void => {
    if (event.kind === "line" && event.stage.name === "use") again.abort(new Interruption("SIGINT"));
  };
  const resumed = await shop.run(yaml, { signal: again.signal, onEvent: stopAgain });
  assert.deepEqual(resumed.slice(1, 2), ["use runs: it was cut off"]);
  assert.equal(await injected(), '// Parameters\nlet how = "yes";\n');
});

test("a wrong parameter or kernel is refused before anything runs", async () => {
  const shop = threeStages();
  const metadata = { kernelspec: { name: "scripted", display_name: "", language: "typescript" } };
  const cells = [codeCell("let epochs: number = 1;", "parameters")];
  writeFileSync(shop.path("last.ipynb"), serializeNotebook({ nbformat: 4, nbformat_minor: 5, metadata, cells }));
  const wrong = THREE.replace("inputs: [b.txt]", "parameters: { epochs: many }");
  await assert.rejects(shop.run(wrong), {
    name: "NotebookError",
    message: `Cannot set parameter "epochs" of "${shop.path("last.ipynb")}" to "many": its type is number`,
  });
  await assert.rejects(shop.run(THREE.replace("inputs: [b.txt]", "kernel: scriptd")), /Cannot find kernel "scriptd"/);
  assert.ok(!existsSync(shop.path("a.txt")));
});

test("a damaged record is refused by name", () => {
  const shop = new Workshop();
  writeFileSync(shop.path("pipeline.json"), '{"version": 1');
  assert.throws(() => maybeReadRecord(shop.folder), {
    name: "DataError",
    message: `Cannot use pipeline record "${shop.path("pipeline.json")}": it is damaged or of another version; remove it to run everything again`,
  });
});
