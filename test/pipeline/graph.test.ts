import assert from "node:assert/strict";
import test from "node:test";
import { drawGraph, parsePipeline } from "../../src/pipeline";
import { withDependencies } from "../../src/pipeline/order";

const PIPELINE = parsePipeline(
  `stages:
  look.at: { command: [predict], inputs: [data/x], after: [train] }
  make: { command: [simulate], outputs: [data] }
  train: { command: [train], inputs: [data] }
  alone: { command: [doctor] }`,
  "/tmp/p.yaml",
);

test("as text, each stage stands behind those it waits for", () => {
  const lines = [
    "make     asterolab simulate",
    "train    asterolab train     after make",
    "look.at  asterolab predict   after make, train",
    "alone    asterolab doctor",
  ];
  assert.equal(drawGraph(PIPELINE, "text"), `${lines.join("\n")}\n`);
});

test("for Mermaid and Graphviz, there is a node for each stage and an arrow for each dependency", () => {
  const mermaid = drawGraph(PIPELINE, "mermaid").trimEnd().split("\n");
  assert.equal(mermaid[0], "flowchart LR");
  assert.equal(mermaid[3], '  s2["look.at<br/>asterolab predict"]');
  assert.deepEqual(mermaid.slice(5), ["  s0 --> s1", "  s0 --> s2", "  s1 --> s2"]);
  const dot = drawGraph(PIPELINE, "dot").trimEnd().split("\n");
  assert.deepEqual(dot.slice(-4), ['  "make" -> "train";', '  "make" -> "look.at";', '  "train" -> "look.at";', "}"]);
  assert.equal(dot[3], '  "make" [label="make\\nasterolab simulate"];');
});

test("a stage is run with what it depends on, and nothing else", () => {
  const names = (wanted: string[]) => withDependencies(PIPELINE.stages, wanted).map(({ name }) => name);
  assert.deepEqual(names(["train"]), ["make", "train"]);
  assert.deepEqual(names(["look.at"]), ["make", "train", "look.at"]);
  assert.deepEqual(names(["alone"]), ["alone"]);
});
