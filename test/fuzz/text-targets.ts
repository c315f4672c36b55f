/** Readers of text, JSON and messages under fuzzing. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type ConfigSpec, PRESETS, parseAssignment, parseConfig, readConfigFile } from "../../src/config";
import { parseModelJson } from "../../src/convert/tfjs-schema";
import { MANIFEST_FILE, maybeReadManifest, writeManifest } from "../../src/data/manifest";
import { ConfigError, DataError, NotebookError } from "../../src/errors";
import { parseNotebook, serializeNotebook } from "../../src/notebook/notebook-file";
import { createRequest, encodeMessage, MessageDecoder } from "../../src/notebook/wire";
import { readStars } from "../../src/predict/spectrum-file";
import { attempt, Fault, isMistake, refusalOf, type Target } from "./target";

const JSON_WORDS = [
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  '"',
  "null",
  "true",
  "-1",
  "1e999",
  '"__proto__"',
  '"constructor"',
  "\\u0000",
];

const manifest: Target = {
  name: "dataset-json",
  words: [...JSON_WORDS, '"../a.npy"', '"/etc/a.npy"', '"points"', '"shards"', '"file"', '"rows"', '"sha256"'],
  seeds: () => [Buffer.from(JSON.stringify(DATASET, null, 1))],
  async run(input, folder) {
    writeFileSync(join(folder, MANIFEST_FILE), input);
    const info = await attempt(() => maybeReadManifest(folder), refusalOf(DataError));
    if (!info) return;
    for (const { file } of info.shards) assert.equal(basename(file), file, "a shard must lie in the folder");
    await writeManifest(folder, info);
    assert.deepEqual(await maybeReadManifest(folder), info);
  },
};

const DATASET = {
  ...{ format: "asterolab-dataset", version: 1, points: 100, first_frequency_uhz: 2.5, step_uhz: 0.5 },
  ...{ columns: Array.from({ length: 36 }, (_, index) => `c${index}`), seed: 1, prior: "flat", generator_version: "1" },
  shards: [{ file: "data_000.npy", rows: 3, split: "train", sha256: "ab".repeat(32) }],
};

const config: Target = {
  name: "config",
  words: [...JSON_WORDS, '"edges"', '"dnu"', '"filter"', '"heads"', "[1,2,3]", '"validation"', '"early_stopping"', "="],
  seeds: () => [
    Buffer.from(JSON.stringify(PRESETS.reference, null, 1)),
    Buffer.from('{"edges": {"dnu": [0, 1, 2]}, "filter": [{"column": 3, "op": "<", "value": 1}]}'),
    Buffer.from("validation.shards=3"),
  ],
  async run(input, folder) {
    const path = join(folder, "config.json");
    writeFileSync(path, input);
    const isRefusal = refusalOf(ConfigError);
    const specs = [() => readConfigFile(path), () => parseAssignment(Buffer.from(input).toString("utf8"))];
    for (const read of specs) {
      const spec: ConfigSpec | undefined = await attempt(read, isRefusal);
      if (spec === undefined) continue;
      const parsed = await attempt(() => parseConfig("default", spec), isRefusal);
      if (parsed !== undefined) assert.deepEqual(parseConfig("compact", JSON.parse(JSON.stringify(parsed))), parsed);
    }
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  },
};

const notebook: Target = {
  name: "notebook",
  words: [
    ...JSON_WORDS,
    '"cells"',
    '"outputs"',
    '"data"',
    '"text/plain"',
    '"output_type"',
    '"stream"',
    '"source"',
    '"id"',
  ],
  seeds() {
    const folder = join(__dirname, "../../notebooks");
    const own = readdirSync(folder)
      .filter((name) => name.endsWith(".ipynb"))
      .slice(0, 1);
    return [
      readFileSync(join(__dirname, "../notebook/fixtures/nbformat.ipynb")),
      ...own.map((name) => readFileSync(join(folder, name)).subarray(0, 1 << 14)),
    ];
  },
  async run(input) {
    const parsed = await attempt(
      () => parseNotebook(Buffer.from(input).toString("utf8"), "input.ipynb"),
      refusalOf(NotebookError),
    );
    if (parsed === undefined) return;
    const text = await attempt(
      () => serializeNotebook(parsed),
      () => false,
    );
    assert.equal(serializeNotebook(parseNotebook(text!, "again.ipynb")), text, "written and read, a notebook stays");
  },
};

const spectrum: Target = {
  name: "spectrum",
  words: [
    "# frequency_uHz, power\n",
    "freq;psd\n",
    "1,5;2,5\n",
    "nan",
    "inf",
    "-1",
    "1.5d3",
    "\r",
    "\n",
    "\t",
    ",",
    ";",
    "mHz",
    "\uFEFF",
  ],
  seeds: () => [columns(" "), columns(","), Buffer.concat([Buffer.from("frequency_mHz;psd\n"), columns(";")])],
  async run(input, folder) {
    const path = join(folder, "star.txt");
    writeFileSync(path, input);
    const target = { points: 50, grid: { points: 50, firstFrequencyUHz: 5, stepUHz: 2 } };
    await attempt(async () => {
      for await (const { power } of readStars(path, target)) {
        if (power.length !== 50 || !power.every((value) => value >= 0 && value < Infinity))
          throw new Fault("bad powers");
      }
    }, refusalOf(DataError));
  },
};

function columns(separator: string): Buffer {
  return Buffer.from(Array.from({ length: 130 }, (_, bin) => `${bin + 0.5}${separator}${(bin % 7) + 0.25}\n`).join(""));
}

const KEY = "0123-key";

/** Frames are separated by 0xff, which no UTF-8 text holds; the first byte decides whether the parts are signed anew. */
const jupyter: Target = {
  name: "jupyter",
  words: [...JSON_WORDS, "\u00ff", "<IDS|MSG>", '"msg_type"', '"parent_header"', '"execute_reply"', '"status"'],
  seeds() {
    const frames = encodeMessage(createRequest("execute_request", { code: "1 + 1" }, "s"), KEY);
    return [0, 1].map((mode) =>
      Buffer.concat([Buffer.of(mode), ...frames.flatMap((frame) => [frame, Buffer.of(0xff)])]),
    );
  },
  async run(input) {
    const isSigned = (input[0] ?? 0) % 2 === 1;
    const frames = split(Buffer.from(input.subarray(1)));
    const at = frames.findIndex((frame) => frame.equals(Buffer.from("<IDS|MSG>")));
    const signature = (): Buffer => {
      const hmac = createHmac("sha256", KEY);
      for (const part of frames.slice(at + 2, at + 6)) hmac.update(part);
      return Buffer.from(hmac.digest("hex"));
    };
    if (isSigned && at >= 0 && frames.length > at + 1) frames[at + 1] = signature();
    const decoder = new MessageDecoder(KEY);
    const message = await attempt(
      () => decoder.decode(frames),
      (error) => !isMistake(error),
    );
    if (message === undefined) return;
    if (!frames[at + 1]!.equals(signature())) throw new Fault("a message without the key's signature was taken");
    assert.throws(() => decoder.decode(frames), / was received before$/);
    for (const part of [message.header, message.parentHeader, message.metadata, message.content]) {
      assert.ok(typeof part === "object" && part !== null && !Array.isArray(part));
    }
  },
};

function split(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const end = bytes.indexOf(0xff, start);
    frames.push(bytes.subarray(start, end < 0 ? bytes.length : end));
    start = end < 0 ? bytes.length + 1 : end + 1;
  }
  return frames;
}

const tfjs: Target = {
  name: "model-json",
  words: [...JSON_WORDS, '"weightsManifest"', '"paths"', '"weights"', '"dtype":"float32"', '"shape":[', '"asterolab"'],
  seeds: () => [
    Buffer.from(
      JSON.stringify({
        format: "graph-model",
        weightsManifest: [{ paths: ["a.bin"], weights: [{ name: "w", shape: [2], dtype: "float32" }] }],
        userDefinedMetadata: { asterolab: { points: 10, config: {}, weights_sha256: "ab" } },
      }),
    ),
  ],
  async run(input) {
    await attempt(
      () => parseModelJson(Buffer.from(input).toString("utf8")),
      (error) => !isMistake(error),
    );
  },
};

export const TEXT_TARGETS: readonly Target[] = [manifest, config, notebook, spectrum, jupyter, tfjs];
