/** Where a kernel's implementation departs from the protocol, and what makes up for it. */

import type { Cell, ErrorOutput } from "./notebook-file";
import type { MessageContent } from "./wire";

export interface Quirks {
  /** How long after a failed cell the kernel refuses to run the next one. */
  readonly abortWindowMs: number;
  /** True when the kernel prints an error to stderr instead of sending it. */
  readonly printsErrors: boolean;
}

export const NO_QUIRKS: Quirks = { abortWindowMs: 0, printsErrors: false };
const TSLAB: Quirks = { abortWindowMs: 200, printsErrors: true };
const BY_IMPLEMENTATION: Readonly<Record<string, Quirks>> = { tslab: TSLAB, jslab: TSLAB };

/** The quirks of the kernel that sent this `kernel_info_reply`. */
export function quirksOf(info: MessageContent): Quirks {
  return BY_IMPLEMENTATION[String(info.implementation)] ?? NO_QUIRKS;
}

/** The error a failed cell ended in: sent by the kernel, in its reply, or printed. A printed one becomes an output. */
export function errorOf(cell: Cell, reply: MessageContent, quirks: Quirks): ErrorOutput {
  const sent = cell.outputs!.filter((output) => output.output_type === "error").at(-1);
  if (sent?.output_type === "error") return sent;
  if (typeof reply.ename === "string" && reply.ename !== "") {
    return appendError(cell, {
      output_type: "error",
      ename: reply.ename,
      evalue: String(reply.evalue ?? ""),
      traceback: (reply.traceback ?? []) as string[],
    });
  }
  return appendError(cell, (quirks.printsErrors && takePrintedError(cell)) || unexplained(reply));
}

function appendError(cell: Cell, error: ErrorOutput): ErrorOutput {
  cell.outputs!.push(error);
  return error;
}

/** Cuts the error off the end of the cell's last stderr output. */
function takePrintedError(cell: Cell): ErrorOutput | undefined {
  const last = cell.outputs!.filter((output) => output.output_type === "stream" && output.name === "stderr").at(-1);
  if (last?.output_type !== "stream") return undefined;
  const lines = last.text.replace(/\n$/, "").split("\n");
  const head = startOfError(lines);
  const block = withoutInternals(lines.slice(head));
  const before = lines.slice(0, startOfFrame(lines, head));
  if (before.length > 0) last.text = `${before.join("\n")}\n`;
  else cell.outputs = cell.outputs!.filter((output) => output !== last);
  return { output_type: "error", ...nameOf(block), traceback: block };
}

const DIAGNOSTIC = /^(?:\S+ )?\d+:\d+ - (.*)$/;
const ERROR_LINE = /^(?:Uncaught )?(?:DOMException \[)?((?:[A-Za-z_$][\w$.]*)?(?:Error|Exception))\b[^:]*(?:: (.*))?$/;
const STACK_LINE = /^\s+at /;
const INTERNAL = /\(node:vm:|[\\/]tslab[\\/]dist[\\/]/;

/** Type errors stand one to a line; a thrown error is its message and the stack below it; else the last line counts. */
function startOfError(lines: readonly string[]): number {
  const indexes = [...lines.keys()].reverse();
  if (DIAGNOSTIC.test(lines.at(-1) ?? "")) return (indexes.find((index) => !DIAGNOSTIC.test(lines[index]!)) ?? -1) + 1;
  const stack = indexes.find((index) => STACK_LINE.test(lines[index]!) && !STACK_LINE.test(lines[index - 1] ?? ""));
  const head = indexes.find((index) => index < (stack ?? lines.length) && ERROR_LINE.test(lines[index]!));
  return Math.max(0, head ?? (stack ?? lines.length) - 1);
}

/** Node prints the place of an uncaught error above it: `file:line`, the line, a caret, a blank. */
function startOfFrame(lines: readonly string[], head: number): number {
  return /^\S+:\d+$/.test(lines[head - 4] ?? "") && /^\s*\^+$/.test(lines[head - 2] ?? "") ? head - 4 : head;
}

/** The stack down to the cell's code; what follows is the kernel's own. */
function withoutInternals(block: readonly string[]): string[] {
  const first = block.findIndex((line) => STACK_LINE.test(line) && INTERNAL.test(line));
  return first === -1 ? [...block] : block.filter((line, index) => index < first || !STACK_LINE.test(line));
}

function nameOf(block: readonly string[]): { ename: string; evalue: string } {
  const first = block[0] ?? "";
  const diagnostic = DIAGNOSTIC.exec(first);
  if (diagnostic) return { ename: "CompileError", evalue: first };
  const thrown = ERROR_LINE.exec(first);
  if (thrown) return { ename: thrown[1]!, evalue: thrown[2] ?? "" };
  return { ename: "Error", evalue: first };
}

function unexplained(reply: MessageContent): ErrorOutput {
  const evalue = `the kernel answered "${String(reply.status)}" and gave no reason`;
  return { output_type: "error", ename: "Error", evalue, traceback: [] };
}
