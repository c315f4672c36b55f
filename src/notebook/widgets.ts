/**
 * The state of Jupyter widgets, kept in the notebook's metadata as nbclient keeps it, and the outputs that `Output`
 * widgets take in the place of their cell. A widget lives in its kernel and tells of itself in comm messages.
 */

import type { JsonObject, Output } from "./notebook-file";
import type { Message } from "./wire";

/** What takes outputs: a cell, or the state of an `Output` widget. */
export interface OutputArea {
  outputs?: Output[];
}

/** The content of a `comm_msg` for the kernel. */
export interface CommUpdate {
  readonly comm_id: string;
  readonly data: JsonObject;
}

export interface WidgetStoreOptions {
  /** The most that is kept of all widgets together, in characters of JSON and base64. */
  readonly maxCharacters?: number;
}

interface Widget {
  /** As it stands in the notebook's metadata. */
  readonly entry: JsonObject & { readonly state: JsonObject; buffers?: WidgetBuffer[] };
  /** Characters by key of the state and by path of a buffer. */
  readonly sizes: Map<string, number>;
  isClosed: boolean;
}

interface WidgetBuffer {
  readonly data: string;
  readonly encoding: "base64";
  /** Where in the state it belongs. */
  readonly path: unknown;
}

const TARGET = "jupyter.widget";
const STATE_TYPE = "application/vnd.jupyter.widget-state+json";
const MAX_CHARACTERS = 2 ** 26;

export class WidgetStore {
  private readonly widgets = new Map<string, Widget>();
  /** Ids of the `Output` widgets that take the outputs of a request, in the order they were entered. */
  private readonly captors = new Map<string, string[]>();
  /** `Output` widgets whose kernel does not know yet what they took. */
  private readonly changed = new Set<string>();
  private characters = 0;
  private dropped = 0;
  private readonly maxCharacters: number;

  /** @param metadata of the notebook, where the state stands from the first widget on */
  constructor(
    private readonly metadata: JsonObject,
    { maxCharacters = MAX_CHARACTERS }: WidgetStoreOptions = {},
  ) {
    this.maxCharacters = maxCharacters;
  }

  /** How many widgets were forgotten because all together were too much to keep. */
  get droppedCount(): number {
    return this.dropped;
  }

  /** Takes in a comm message; those of other targets pass by. */
  apply({ header, content, buffers }: Message): void {
    const id = String(content.comm_id);
    if (header.msg_type === "comm_open" && content.target_name === TARGET) this.open(id);
    const widget = this.widgets.get(id);
    if (widget === undefined) return;
    // A closed widget stays: where it was displayed, its last state is shown.
    if (header.msg_type === "comm_close") widget.isClosed = true;
    const { state, buffer_paths: paths } = (content.data ?? {}) as JsonObject;
    if (typeof state !== "object" || state === null) return; // a custom message
    this.update(id, widget, state as JsonObject);
    if (Array.isArray(paths)) this.keepBuffers(widget, paths, buffers);
    this.dropExcess();
  }

  /** The `Output` widget that takes what the request `messageId` puts out now, if one does. */
  maybeCaptor(messageId: string): OutputArea | undefined {
    const id = this.captors.get(messageId)?.at(-1);
    const state = id === undefined ? undefined : this.widgets.get(id)?.entry.state;
    if (state === undefined) return undefined;
    if (!Array.isArray(state.outputs)) state.outputs = [];
    this.changed.add(id!);
    return state;
  }

  /** What `Output` widgets took since the last call, for the kernel, where their `outputs` are read. */
  takeUpdates(): CommUpdate[] {
    const updates = [...this.changed].flatMap((id) => {
      const widget = this.widgets.get(id);
      if (widget === undefined) return [];
      const { outputs } = widget.entry.state;
      this.measure(widget, "outputs", JSON.stringify(outputs).length);
      return [{ comm_id: id, data: { method: "update", state: { outputs }, buffer_paths: [] } }];
    });
    this.changed.clear();
    this.dropExcess();
    return updates;
  }

  private open(id: string): void {
    this.forget(id);
    const entry = { model_name: null, model_module: null, model_module_version: null, state: {} };
    this.widgets.set(id, { entry, sizes: new Map(), isClosed: false });
    this.metadata.widgets ??= { [STATE_TYPE]: { state: {}, version_major: 2, version_minor: 0 } };
    this.states[id] = entry;
  }

  private get states(): JsonObject {
    return (this.metadata.widgets as { [STATE_TYPE]: { state: JsonObject } })[STATE_TYPE].state;
  }

  private update(id: string, widget: Widget, changes: JsonObject): void {
    const { entry } = widget;
    const captured = entry.state.msg_id;
    for (const [key, value] of Object.entries(changes)) {
      entry.state[key] = value;
      this.measure(widget, key, JSON.stringify(value).length);
    }
    for (const key of ["model_name", "model_module", "model_module_version"]) {
      entry[key] = entry.state[`_${key}`] ?? null;
    }
    const isOutput = entry.model_module === "@jupyter-widgets/output" && entry.model_name === "OutputModel";
    if (isOutput && "msg_id" in changes) this.capture(id, captured, changes.msg_id);
  }

  /** Moves an `Output` widget from the request it took outputs of to another; an empty id stands for none. */
  private capture(id: string, from: unknown, to: unknown): void {
    for (const request of [from, to]) {
      if (typeof request !== "string" || request === "") continue;
      const others = (this.captors.get(request) ?? []).filter((captor) => captor !== id);
      this.captors.set(request, request === to ? [...others, id] : others);
    }
  }

  /** A later buffer takes the place of the one with the same path. */
  private keepBuffers(widget: Widget, paths: readonly unknown[], buffers: readonly Uint8Array[]): void {
    for (const [index, path] of paths.entries()) {
      const buffer = buffers[index];
      if (buffer === undefined) return;
      const data = Buffer.from(buffer).toString("base64");
      const name = JSON.stringify(path);
      const kept = widget.entry.buffers ?? [];
      const place = kept.findIndex((other) => JSON.stringify(other.path) === name);
      kept[place === -1 ? kept.length : place] = { data, encoding: "base64", path };
      widget.entry.buffers = kept;
      this.measure(widget, `buffer ${name}`, data.length);
    }
  }

  private measure(widget: Widget, part: string, characters: number): void {
    this.characters += characters - (widget.sizes.get(part) ?? 0);
    widget.sizes.set(part, characters);
  }

  /** Closed widgets go first, in the order they came; then the largest. */
  private dropExcess(): void {
    while (this.characters > this.maxCharacters) {
      const all = [...this.widgets].map(([id, widget]) => ({ id, size: sizeOf(widget), isClosed: widget.isClosed }));
      const victim = all.find(({ isClosed }) => isClosed) ?? all.reduce((a, b) => (b.size > a.size ? b : a));
      this.forget(victim.id);
      this.dropped++;
    }
  }

  private forget(id: string): void {
    const widget = this.widgets.get(id);
    if (widget === undefined) return;
    this.characters -= sizeOf(widget);
    this.widgets.delete(id);
    delete this.states[id];
  }
}

function sizeOf({ sizes }: Widget): number {
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
