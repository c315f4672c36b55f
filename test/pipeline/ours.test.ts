import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { checkStages, readPipeline } from "../../src/pipeline";
import { projectRoot } from "../../src/version";

const FILE = join(projectRoot, "notebooks", "pipeline.yaml");

test("our own pipeline hands its notebooks parameters they declare, and stages wait for the files they read", async () => {
  const pipeline = readPipeline(FILE, { runs: "runs/elsewhere" });
  await checkStages(pipeline, pipeline.stages);
  assert.equal(pipeline.folder, projectRoot);
  assert.equal(pipeline.output, "runs/elsewhere");
  const after = Object.fromEntries(pipeline.stages.map((stage) => [stage.name, stage.after]));
  assert.deepEqual(after, {
    simulate: [],
    load: ["simulate"],
    bin: ["simulate"],
    train: ["simulate"],
    validate: ["simulate", "train"],
    examine: ["simulate", "train"],
    predict: ["simulate", "train"],
    star: ["simulate", "train"],
    learn: ["simulate"],
  });
  const written = pipeline.stages.flatMap(({ outputs }) => outputs);
  assert.ok(written.every((path) => path.startsWith("runs/elsewhere/")));
});
