/** The inputs of this session, as `history_request` asks for them. */

import type { MessageContent } from "../notebook/wire";

/** Session, line, input. */
type Entry = readonly [number, number, string];

const SESSION = 1;

export class History {
  private readonly entries: Entry[] = [];

  add(line: number, input: string): void {
    this.entries.push([SESSION, line, input]);
  }

  /** By `hist_access_type`: the last `n`, lines `start` to `stop`, or inputs that match a glob `pattern`. */
  find(query: MessageContent): readonly (Entry | readonly [number, number, readonly [string, null]])[] {
    const found = this.select(query);
    if (query.output !== true) return found;
    return found.map(([session, line, input]) => [session, line, [input, null]]);
  }

  private select({ hist_access_type: kind, n, start, stop, pattern, unique }: MessageContent): readonly Entry[] {
    if (kind === "range") {
      const last = stop === null || stop === undefined ? Number.POSITIVE_INFINITY : Number(stop);
      return this.entries.filter(([, line]) => line >= Number(start ?? 0) && line < last);
    }
    let found: readonly Entry[] = this.entries;
    if (kind === "search") {
      const matcher = globMatcher(String(pattern ?? "*"));
      found = found.filter(([, , input]) => matcher.test(input));
      if (unique === true) found = found.filter(([, , input], index) => lastIndexOf(found, input) === index);
    }
    return n === undefined || n === null ? found : found.slice(Math.max(0, found.length - Number(n)));
  }
}

function lastIndexOf(entries: readonly Entry[], input: string): number {
  return entries.map((entry) => entry[2]).lastIndexOf(input);
}

function globMatcher(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.|+(){}[\]]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`, "s");
}
