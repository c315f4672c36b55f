/** Turns the messages of a kernel's output channel into the outputs of the cells that caused them. */

import type { Cell, DisplayOutput, JsonObject, MimeBundle, Output } from "./notebook-file";
import type { OutputArea, WidgetStore } from "./widgets";
import type { Message } from "./wire";

/** What `Output` widgets take in the place of the cell. */
const OUTPUT_TYPES = new Set(["stream", "display_data", "execute_result", "error", "clear_output"]);

export class OutputCollector {
  private readonly cells = new Map<string, Cell>();
  private readonly displays = new Map<string, DisplayOutput[]>();
  /** Areas whose outputs vanish when the next one arrives: `clear_output` with `wait`. */
  private readonly clearing = new Set<OutputArea>();

  constructor(private readonly widgets: WidgetStore) {}

  /** Outputs of the request `messageId` belong to `cell` from now on, also those that come after its end. */
  attach(messageId: string, cell: Cell): void {
    this.cells.set(messageId, cell);
  }

  /** Takes in one message; returns the cell it belongs to, if it is one of ours. */
  apply(message: Message): Cell | undefined {
    const { content } = message;
    const cell = this.cells.get(message.parentHeader.msg_id ?? "");
    if (message.header.msg_type === "update_display_data") {
      // Every output with this id changes, in whatever cell it stands.
      for (const output of this.displays.get(displayIdOf(content) ?? "") ?? []) {
        output.data = content.data as MimeBundle;
        output.metadata = (content.metadata ?? {}) as JsonObject;
      }
      return cell;
    }
    if (cell === undefined) return undefined;
    const type = message.header.msg_type;
    if (type === "execute_input") cell.execution_count = content.execution_count as number;
    else if (type.startsWith("comm_")) this.widgets.apply(message);
    else if (OUTPUT_TYPES.has(type))
      this.applyOutput(this.widgets.maybeCaptor(message.parentHeader.msg_id!) ?? cell, message);
    return cell;
  }

  private applyOutput(area: OutputArea, message: Message): void {
    const { content } = message;
    switch (message.header.msg_type) {
      case "stream":
        this.appendStream(area, String(content.name), String(content.text));
        break;
      case "display_data":
      case "execute_result":
        this.appendDisplay(area, message);
        break;
      case "error":
        this.append(area, {
          output_type: "error",
          ename: String(content.ename),
          evalue: String(content.evalue),
          traceback: (content.traceback ?? []) as string[],
        });
        break;
      case "clear_output":
        if (content.wait === true) this.clearing.add(area);
        else area.outputs = [];
        break;
    }
  }

  private append(area: OutputArea, output: Output): void {
    if (this.clearing.delete(area)) area.outputs = [];
    area.outputs!.push(output);
  }

  /** Adjacent pieces of one stream are one output, as JupyterLab shows them. */
  private appendStream(area: OutputArea, name: string, text: string): void {
    const last = area.outputs!.at(-1);
    if (last?.output_type === "stream" && last.name === name && !this.clearing.has(area)) last.text += text;
    else this.append(area, { output_type: "stream", name, text });
  }

  private appendDisplay(area: OutputArea, { header, content }: Message): void {
    const output: DisplayOutput = {
      output_type: header.msg_type as DisplayOutput["output_type"],
      data: content.data as MimeBundle,
      metadata: (content.metadata ?? {}) as JsonObject,
    };
    if (output.output_type === "execute_result") output.execution_count = content.execution_count as number;
    this.append(area, output);
    const id = displayIdOf(content);
    if (id !== undefined) this.displays.set(id, [...(this.displays.get(id) ?? []), output]);
  }
}

/** Says in a cell's outputs and metadata that some of them may be missing. */
export function markTruncated(cell: Cell): void {
  cell.metadata.asterolab = { ...(cell.metadata.asterolab as JsonObject | undefined), outputs_truncated: true };
  const text = "[asterolab] the kernel never reported the end of this cell's output: some of it may be lost\n";
  cell.outputs!.push({ output_type: "stream", name: "stderr", text });
}

function displayIdOf(content: Message["content"]): string | undefined {
  const transient = content.transient as { display_id?: unknown } | null | undefined;
  return typeof transient?.display_id === "string" ? transient.display_id : undefined;
}
