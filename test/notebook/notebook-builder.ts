/** Makes notebooks for the tests, runs them in a temporary folder, and tells whether a process still lives. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cell, createCell, type Notebook, type Output, serializeNotebook } from "../../src/notebook/notebook-file";
import { temporaryFolder } from "../temporary-folder";

/** The folder that holds the test kernels, for `JUPYTER_PATH`. */
export const FIXTURES = join(__dirname, "fixtures");

/** A step of the scripted kernel: its name and arguments. */
export type Step = readonly unknown[];

export function codeCell(source: string, ...tags: string[]): Cell {
  return createCell("code", source, tags);
}

/** A cell for the scripted kernel. */
export function scripted(...steps: readonly Step[]): Cell {
  return codeCell(JSON.stringify(steps));
}

/** Writes a notebook for `kernel` into a fresh folder. */
export function writeTestNotebook(
  kernel: string,
  cells: readonly Cell[],
  language = "typescript",
): { input: string; output: string; folder: string } {
  const folder = temporaryFolder();
  const metadata = { kernelspec: { name: kernel, display_name: kernel, language } };
  const notebook: Notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata,
    cells: cells.map((cell, index) => ({ ...cell, id: `cell-${index}` })),
  };
  const input = join(folder, "in.ipynb");
  writeFileSync(input, serializeNotebook(notebook));
  return { input, output: join(folder, "out.ipynb"), folder };
}

/** The text of a cell's streams and plain displays, in order. */
export function textOf(cell: Cell | undefined): string {
  return (cell?.outputs ?? []).map(textOfOutput).join("");
}

function textOfOutput(output: Output): string {
  if (output.output_type === "stream") return output.text;
  return output.output_type === "error" ? `${output.ename}: ${output.evalue}` : String(output.data["text/plain"]);
}

export function statusOf(cell: Cell | undefined): unknown {
  return (cell?.metadata.papermill as { status?: unknown } | undefined)?.status;
}

/** True while a process runs; one that has ended and waits for its parent does not count. */
export function isAlive(pid: number): boolean {
  return processTable().some((row) => row.pid === pid);
}

/** The running descendants of a process. */
export function processesUnder(pid: number): number[] {
  const table = processTable();
  const under = (parent: number): number[] =>
    table.filter((row) => row.parent === parent).flatMap((row) => [row.pid, ...under(row.pid)]);
  return under(pid);
}

/** Linux's process table; elsewhere empty, so that the tests check nothing there that they cannot see. */
function processTable(): { pid: number; parent: number }[] {
  if (!existsSync("/proc/self/stat")) return [];
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    try {
      // "pid (name) state parent ...", where the name may hold blanks and brackets.
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return state === "Z" ? [] : [{ pid, parent: Number(parent) }];
    } catch {
      return []; // it ended while the table was read
    }
  });
}
