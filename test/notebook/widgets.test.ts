import assert from "node:assert/strict";
import test from "node:test";
import { type Cell, createCell, type JsonObject } from "../../src/notebook/notebook-file";
import { OutputCollector } from "../../src/notebook/outputs";
import { WidgetStore, type WidgetStoreOptions } from "../../src/notebook/widgets";
import { createRequest, type Message } from "../../src/notebook/wire";
import { textOf } from "./notebook-builder";

interface Kernel {
  readonly cell: Cell;
  readonly metadata: JsonObject;
  readonly widgets: WidgetStore;
  /** Sends a message of the output channel that answers the request "r" of the cell. */
  readonly send: (type: string, content: JsonObject, buffers?: readonly Uint8Array[]) => void;
}

function kernelWith(options: WidgetStoreOptions = {}): Kernel {
  const metadata: JsonObject = {};
  const widgets = new WidgetStore(metadata, options);
  const collector = new OutputCollector(widgets);
  const cell = createCell("code", "f()", []);
  collector.attach("r", cell);
  const send = (type: string, content: JsonObject, buffers: readonly Uint8Array[] = []): void => {
    const message: Message = { ...createRequest(type, content, "kernel"), parentHeader: { msg_id: "r" }, buffers };
    collector.apply(message);
  };
  return { cell, metadata, widgets, send };
}

function open(id: string, state: JsonObject, target = "jupyter.widget"): [string, JsonObject] {
  return ["comm_open", { comm_id: id, target_name: target, data: { state, buffer_paths: [] } }];
}

function update(id: string, state: JsonObject, paths: unknown[] = []): [string, JsonObject] {
  return ["comm_msg", { comm_id: id, data: { method: "update", state, buffer_paths: paths } }];
}

function statesOf(metadata: JsonObject): Record<string, JsonObject> {
  const widgets = metadata.widgets as JsonObject | undefined;
  const bundle = widgets?.["application/vnd.jupyter.widget-state+json"] as { state: Record<string, JsonObject> };
  return bundle?.state ?? {};
}

const OUTPUT = { _model_module: "@jupyter-widgets/output", _model_name: "OutputModel", msg_id: "", outputs: [] };

test("a notebook without widgets gets no metadata for them", () => {
  const { metadata, send } = kernelWith();
  send(...open("a", { k: 1 }, "another.target"));
  send(...update("a", { k: 2 }));
  send("comm_msg", { comm_id: "never opened", data: { state: { k: 1 } } });
  send("comm_msg", {});
  assert.deepEqual(metadata, {});
});

test("the last state and the last buffer of a path are kept, also of a widget that was closed", () => {
  const { metadata, send } = kernelWith();
  const model = { _model_name: "ImageModel", _model_module: "m", _model_module_version: "2.0.0", width: 1 };
  send(...open("a", model));
  send(...update("a", { width: 2 }, [["value"], ["mask", 0], ["lost"]]), [Buffer.from("one"), Buffer.from("two")]);
  send(...update("a", {}, [["value"]]), [Buffer.from("three")]);
  send("comm_msg", { comm_id: "a", data: { method: "custom", content: {} } });
  send("comm_close", { comm_id: "a", data: {} });
  const bundle = {
    state: {
      a: {
        model_name: "ImageModel",
        model_module: "m",
        model_module_version: "2.0.0",
        state: { ...model, width: 2 },
        buffers: [
          { data: "dGhyZWU=", encoding: "base64", path: ["value"] }, // printf three | base64
          { data: "dHdv", encoding: "base64", path: ["mask", 0] },
        ],
      },
    },
    version_major: 2,
    version_minor: 0,
  };
  assert.deepEqual(metadata.widgets, { "application/vnd.jupyter.widget-state+json": bundle });
});

test("an Output widget takes outputs from when it is entered until it is left, and its kernel is told once", () => {
  const { cell, metadata, widgets, send } = kernelWith();
  send(...open("o", OUTPUT));
  send("stream", { name: "stdout", text: "before\n" });
  send(...update("o", { msg_id: "r" }));
  for (const text of ["a\n", "b\n"]) send("stream", { name: "stdout", text });
  send("error", { ename: "E", evalue: "v", traceback: [] });
  send(...update("o", { msg_id: "" }));
  send("stream", { name: "stdout", text: "after\n" });
  assert.equal(textOf(cell), "before\nafter\n");
  const outputs = [
    { output_type: "stream", name: "stdout", text: "a\nb\n" },
    { output_type: "error", ename: "E", evalue: "v", traceback: [] },
  ];
  assert.deepEqual(statesOf(metadata).o!.state, { ...OUTPUT, outputs });
  const data = { method: "update", state: { outputs }, buffer_paths: [] };
  assert.deepEqual(widgets.takeUpdates(), [{ comm_id: "o", data }]);
  assert.deepEqual(widgets.takeUpdates(), []);
});

test("what an Output widget took follows what its kernel set, as in JupyterLab (nbclient starts over)", () => {
  const { metadata, send } = kernelWith();
  send(...open("o", OUTPUT));
  const set = { output_type: "stream", name: "stderr", text: "set" };
  send(...update("o", { outputs: [set], msg_id: "r" }));
  send("stream", { name: "stdout", text: "taken" });
  const taken = { output_type: "stream", name: "stdout", text: "taken" };
  assert.deepEqual((statesOf(metadata).o!.state as JsonObject).outputs, [set, taken]);
});

test("a widget whose outputs are no list, and other models with a msg_id, do no harm", () => {
  const { cell, metadata, send } = kernelWith();
  send(...open("o", { ...OUTPUT, outputs: null }));
  send(...open("other", { _model_name: "IntModel", _model_module: "m", msg_id: "" }));
  send(...update("o", { msg_id: "r" }));
  send(...update("other", { msg_id: "r" }));
  send("stream", { name: "stdout", text: "taken" });
  assert.equal(textOf(cell), "");
  assert.equal(((statesOf(metadata).o!.state as JsonObject).outputs as unknown[]).length, 1);
});

test("widgets are kept up to a limit: closed ones go first, then the largest, and they are counted", () => {
  const { metadata, widgets, send } = kernelWith({ maxCharacters: 1000 });
  for (const [id, size] of [
    ["closed", 10],
    ["small", 300],
    ["large", 500],
  ] as const) {
    send(...open(id, { _model_name: "M", text: "x".repeat(size) }));
  }
  send("comm_close", { comm_id: "closed" });
  assert.deepEqual(Object.keys(statesOf(metadata)), ["closed", "small", "large"]);
  send(...update("small", { text: "y".repeat(480) }));
  assert.deepEqual(Object.keys(statesOf(metadata)), ["small", "large"]);
  send(...update("small", {}, [["value"]]), [Buffer.alloc(30)]);
  assert.deepEqual(Object.keys(statesOf(metadata)), ["large"]);
  send(...open("next", { _model_name: "M", text: "x".repeat(300) }));
  send(...update("small", { text: "comes no more" }));
  assert.deepEqual(Object.keys(statesOf(metadata)), ["large", "next"]);
  assert.equal(widgets.droppedCount, 2);
});

test("what Output widgets take counts, too", () => {
  const { metadata, widgets, send } = kernelWith({ maxCharacters: 1000 });
  send(...open("o", OUTPUT));
  send(...update("o", { msg_id: "r" }));
  for (let index = 0; index < 20; index++) send("stream", { name: "stdout", text: "x".repeat(100) });
  widgets.takeUpdates();
  assert.deepEqual([Object.keys(statesOf(metadata)), widgets.droppedCount], [[], 1]);
});
