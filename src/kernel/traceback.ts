/** Maps the positions of a stack from the compiled code to the lines of the cells, and leaves out the kernel's frames. */

import { SourceMap, type SourceMapPayload } from "node:module";
import { CELL_FUNCTION } from "./channel";

/** The converter puts one line above a cell's source, to make it a module. */
const LINES_ABOVE = 1;
const FRAME = /(cell\[[\d+]+\]):(\d+):(\d+)/g;
const INTERNAL = /^\s+at .*(?:node:|[\\/](?:src|dist)[\\/]kernel[\\/])/;

const WRAPPER = new RegExp(`at (?:async )?${CELL_FUNCTION} \\((cell\\[[^)]*)\\)`);

export class TracebackMapper {
  private readonly cells = new Map<string, { maps: readonly SourceMap[]; source: readonly string[] }>();

  /** Keeps a cell's maps, from its TypeScript on, and its source for the excerpt. */
  add(file: string, maps: readonly string[], code: string): void {
    const parsed = maps.filter((map) => map !== "").map((map) => new SourceMap(JSON.parse(map) as SourceMapPayload));
    this.cells.set(file, { maps: parsed.reverse(), source: code.split("\n") });
  }

  /** The stack's lines down to the cell's code, with the source line of the innermost cell frame below the message. */
  map(stack: string): string[] {
    let excerpt: string[] | undefined;
    const lines = stack.split("\n").map((line) => {
      const mapped = line.replace(FRAME, (_whole, file: string, row: string, column: string) => {
        const place = this.place(file, Number(row), Number(column));
        const source = this.cells.get(file)?.source[place.line - 1];
        if (/^\s+at /.test(line) && source !== undefined) {
          excerpt ??= [`--> ${file}:${place.line}`, `    ${source}`, `    ${" ".repeat(place.column - 1)}^`];
        }
        return `${file}:${place.line}:${place.column}`;
      });
      return mapped.replace(WRAPPER, "at $1");
    });
    const kept: string[] = [];
    for (const line of lines) {
      if (!INTERNAL.test(line)) kept.push(line);
      // The error's own fields begin behind the last frame.
      else if (line.endsWith(" {") && kept.length > 0) kept.push(`${kept.pop()} {`);
    }
    if (excerpt === undefined) return kept;
    const head = kept.findIndex((line) => /^\s+at /.test(line));
    return [...kept.slice(0, head), ...excerpt, ...kept.slice(head)];
  }

  private place(file: string, line: number, column: number): { line: number; column: number } {
    let place = { line: line - 1, column: column - 1 };
    for (const map of this.cells.get(file)?.maps ?? []) {
      const entry = map.findEntry(place.line, place.column);
      if (!("originalLine" in entry) || entry.originalLine === undefined) break;
      place = { line: entry.originalLine, column: entry.originalColumn };
    }
    return { line: Math.max(1, place.line + 1 - LINES_ABOVE), column: place.column + 1 };
  }
}
