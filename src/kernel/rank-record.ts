/** What one rank gave during a cell, kept for comparison with the other ranks and for the notebook. */

import { createHash, type Hash } from "node:crypto";
import type { CellOutcome, StreamName, UserMessage } from "./channel";

/** In the form of a notebook's outputs. */
export type RankOutput =
  | { readonly output_type: "stream"; readonly name: StreamName; text: string }
  | {
      readonly output_type: "display_data" | "execute_result";
      data: Readonly<Record<string, unknown>>;
      metadata: Readonly<Record<string, unknown>>;
    };

/** Text of a rank beyond this is not kept, and the record says so. */
export const MAX_RANK_CHARACTERS = 2 ** 20;

export class RankRecord {
  private outputs: RankOutput[] = [];
  private displays = new Map<string, RankOutput>();
  private hashes = newHashes();
  private characters = 0;

  constructor(private readonly limit = MAX_RANK_CHARACTERS) {}

  add(message: UserMessage): void {
    if (message.kind === "stream") this.addText(message.name, message.text);
    // What is cleared is not kept; with `wait` it would be replaced anyway.
    if (message.kind === "clear") this.clear();
    if (message.kind === "display") {
      const { data, metadata, transient } = message.content;
      const id = transient?.display_id ?? "";
      const known = this.displays.get(id);
      if (message.isUpdate && known !== undefined) Object.assign(known, { data, metadata });
      else if (!message.isUpdate) {
        const output: RankOutput = { output_type: "display_data", data, metadata };
        this.outputs.push(output);
        this.displays.set(id, output);
      }
    }
  }

  /** Adds the last value of the cell. */
  end(outcome: CellOutcome): void {
    if (outcome.status !== "ok" || outcome.result === undefined) return;
    this.outputs.push({ output_type: "execute_result", data: outcome.result.data, metadata: outcome.result.metadata });
  }

  /** Equal for ranks that gave the same, however it was cut into pieces. */
  fingerprint(): string {
    const displays = this.outputs.filter((output) => output.output_type !== "stream");
    return [...Object.values(this.hashes).map((hash) => hash.copy().digest("hex")), JSON.stringify(displays)].join();
  }

  get isEmpty(): boolean {
    return this.outputs.length === 0;
  }

  /** Everything so far; the record is empty afterwards. */
  take(): RankOutput[] {
    const dropped = this.characters - this.limit;
    const note = `\n[asterolab] ${dropped} more characters of this rank are not kept\n`;
    const { outputs } = this;
    if (dropped > 0) outputs.push({ output_type: "stream", name: "stderr", text: note });
    this.clear();
    return outputs;
  }

  private clear(): void {
    this.outputs = [];
    this.displays = new Map();
    this.hashes = newHashes();
    this.characters = 0;
  }

  private addText(name: StreamName, text: string): void {
    if (text === "") return;
    this.hashes[name].update(text);
    const kept = text.slice(0, Math.max(0, this.limit - this.characters));
    this.characters += text.length;
    if (kept === "") return;
    const last = this.outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) last.text += kept;
    else this.outputs.push({ output_type: "stream", name, text: kept });
  }
}

function newHashes(): Readonly<Record<StreamName, Hash>> {
  return { stdout: createHash("sha1"), stderr: createHash("sha1") };
}
