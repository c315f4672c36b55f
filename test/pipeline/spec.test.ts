import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { ConfigError } from "../../src/errors";
import { parsePipeline, readPipeline } from "../../src/pipeline";
import { temporaryFolder } from "../temporary-folder";

const FOLDER = temporaryFolder();
const FILE = join(FOLDER, "p.yaml");
writeFileSync(join(FOLDER, "n.ipynb"), "{}");

const WHOLE = `
output: "{base}/out"
variables: { base: runs/x, data: "{base}/data", epochs: 6 }
stages:
  learn:
    notebook: n.ipynb
    parameters: { epochs: "{epochs}", data_dir: "{data}", heads: [dnu, "{base}"], note: "{{as is}}" }
    inputs: ["{data}/"]
    timeout: 60
  simulate:
    command: [simulate, --out, "{data}", --seed, 1]
    outputs: ["{data}"]
    stdout: "{output}/simulate.txt"
  report:
    command: [train, --restore, "{resume}"]
    after: [learn]
    ranks: 2
`;

test("a pipeline is read with its variables filled in, in the order of its files and names", () => {
  const pipeline = parsePipeline(WHOLE, FILE);
  assert.equal(pipeline.folder, FOLDER);
  assert.equal(pipeline.output, "runs/x/out");
  assert.deepEqual(pipeline.stages, [
    {
      name: "simulate",
      inputs: [],
      outputs: ["runs/x/data", "runs/x/out/simulate.txt"],
      after: [],
      unseen: [],
      ranks: 1,
      work: {
        kind: "command",
        words: ["simulate", "--out", "runs/x/data", "--seed", "1"],
        stdout: "runs/x/out/simulate.txt",
      },
    },
    {
      name: "learn",
      inputs: ["runs/x/data"],
      outputs: [],
      after: ["simulate"],
      unseen: [],
      ranks: 1,
      work: {
        kind: "notebook",
        notebook: "n.ipynb",
        parameters: { epochs: 6, data_dir: "runs/x/data", heads: ["dnu", "runs/x"], note: "{as is}" },
        kernel: null,
        timeoutSeconds: 60,
        saveAs: "runs/x/out/learn.ipynb",
      },
    },
    {
      name: "report",
      inputs: [],
      outputs: [],
      after: ["learn"],
      unseen: ["learn"],
      ranks: 2,
      work: { kind: "command", words: ["train", "--restore", "{resume}"], stdout: null },
    },
  ]);
});

test("settings take the place of variables and of the output folder", () => {
  const { output, stages } = parsePipeline(WHOLE, FILE, { base: "elsewhere", epochs: 1, output: "o" });
  assert.equal(output, "o");
  assert.deepEqual(stages[0]!.outputs, ["elsewhere/data", "o/simulate.txt"]);
  const { work } = stages[1]!;
  assert.ok(work.kind === "notebook");
  assert.equal(work.parameters.epochs, 1);
});

test("what is wrong with a file is said with its place, all at once", () => {
  const cases: readonly (readonly [string, string | readonly string[]])[] = [
    [
      "stages: [",
      'Cannot use pipeline "p.yaml": line 1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      `variables: {}\nstages: { a: &a [x, x], b: &b [${"*a, ".repeat(99)}], c: [${"*b, ".repeat(99)}] }`,
      'Cannot use pipeline "p.yaml": Excessive alias count indicates a resource exhaustion attack',
    ],
    ["stages: {}", 'Cannot use pipeline "p.yaml": stages: there are none'],
    [
      "stage: {}\nstages: { a: { comand: [x], ranks: 0, command: [x] }, b: {} }",
      [
        "stages.a.ranks: Too small: expected number to be >0",
        'stages.a.comand is no key of a stage; did you mean "command"?',
        'stage is no key of a pipeline; did you mean "stages"?',
      ],
    ],
    [
      "stages: { a: {}, b: { notebook: none.ipynb }, c: { command: [x, '{y}'] }, d: { command: [x], save_as: z } }",
      [
        'stages.a: it needs either "notebook" or "command"',
        `stages.b: there is no notebook "none.ipynb" in "${FOLDER}"`,
        'stages.c: Cannot fill in the path "{y}": there is no value for "y"; known are output, resume',
        'stages.d: "save_as" is for stages with a notebook',
      ],
    ],
    [
      "stages: { a: { command: [x], parameters: { y: 1 } } }",
      'Cannot use pipeline "p.yaml": stages.a: "parameters" is for stages with a notebook',
    ],
    [
      "stages: { a: { notebook: n.ipynb, stdout: y } }",
      'Cannot use pipeline "p.yaml": stages.a: "stdout" is for stages with a command',
    ],
    [
      "variables: { n: few }\nstages: { a: { command: [x], ranks: '{n}' } }",
      'Cannot use pipeline "p.yaml": stages.a: ranks must be an integer of at least 1, got few',
    ],
    [
      "variables: { output: y }\nstages: { a: { command: [x] } }",
      'Cannot use pipeline "p.yaml": variables.output: this name has a meaning of its own',
    ],
    [
      "stages: { a: { command: [x], after: [bb] }, b: { command: [x] } }",
      'Cannot use pipeline "p.yaml": stages.a.after: there is no stage "bb"; did you mean "b"?',
    ],
    [
      "stages: { a: { command: [x], outputs: [d] }, b: { command: [x], outputs: [d/e] } }",
      'Cannot use pipeline "p.yaml": stages.b.outputs: "d" is written by stage "a", too',
    ],
    [
      "stages: { a: { command: [x], inputs: [z], outputs: [y] }, b: { command: [x], inputs: [y/1], outputs: [q] }, c: { command: [x], after: [b], outputs: [z] } }",
      'Cannot use pipeline "p.yaml": stages: a waits for c waits for b waits for a: none of them can be first',
    ],
  ];
  for (const [source, expected] of cases) {
    assert.throws(
      () => parsePipeline(source, FILE),
      (error) => {
        assert.ok(error instanceof ConfigError);
        if (typeof expected === "string") assert.equal(error.message, expected);
        else assert.deepEqual(error.problems, expected);
        return true;
      },
    );
  }
});

test("a file that is not there and a variable that it does not have are refused", () => {
  const absent = join(FOLDER, "absent.yaml");
  assert.throws(() => readPipeline(absent), {
    name: "ConfigError",
    message: `Cannot read pipeline "${absent}": no such file or folder`,
  });
  assert.throws(() => parsePipeline(WHOLE, FILE, { epoch: 1 }), {
    message: 'Cannot use pipeline "p.yaml": there is no variable "epoch"; did you mean "epochs"?',
  });
});
