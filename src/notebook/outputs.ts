/** Turns the messages of a kernel's output channel into the outputs of the cells that caused them. */

import type { Cell, DisplayOutput, JsonObject, MimeBundle, Output } from "./notebook-file";
import type { Message } from "./wire";

export class OutputCollector {
  private readonly cells = new Map<string, Cell>();
  private readonly displays = new Map<string, DisplayOutput[]>();
  /** Cells whose outputs vanish when the next one arrives: `clear_output` with `wait`. */
  private readonly clearing = new Set<Cell>();

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
    switch (message.header.msg_type) {
      case "stream":
        this.appendStream(cell, String(content.name), String(content.text));
        break;
      case "display_data":
      case "execute_result":
        this.appendDisplay(cell, message);
        break;
      case "error":
        this.append(cell, {
          output_type: "error",
          ename: String(content.ename),
          evalue: String(content.evalue),
          traceback: (content.traceback ?? []) as string[],
        });
        break;
      case "clear_output":
        if (content.wait === true) this.clearing.add(cell);
        else cell.outputs = [];
        break;
      case "execute_input":
        cell.execution_count = content.execution_count as number;
        break;
    }
    return cell;
  }

  private append(cell: Cell, output: Output): void {
    if (this.clearing.delete(cell)) cell.outputs = [];
    cell.outputs!.push(output);
  }

  /** Adjacent pieces of one stream are one output, as JupyterLab shows them. */
  private appendStream(cell: Cell, name: string, text: string): void {
    const last = cell.outputs!.at(-1);
    if (last?.output_type === "stream" && last.name === name && !this.clearing.has(cell)) last.text += text;
    else this.append(cell, { output_type: "stream", name, text });
  }

  private appendDisplay(cell: Cell, { header, content }: Message): void {
    const output: DisplayOutput = {
      output_type: header.msg_type as DisplayOutput["output_type"],
      data: content.data as MimeBundle,
      metadata: (content.metadata ?? {}) as JsonObject,
    };
    if (output.output_type === "execute_result") output.execution_count = content.execution_count as number;
    this.append(cell, output);
    const id = displayIdOf(content);
    if (id !== undefined) this.displays.set(id, [...(this.displays.get(id) ?? []), output]);
  }
}

function displayIdOf(content: Message["content"]): string | undefined {
  const transient = content.transient as { display_id?: unknown } | null | undefined;
  return typeof transient?.display_id === "string" ? transient.display_id : undefined;
}
