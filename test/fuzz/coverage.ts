/** Which blocks of our own sources have run, and about how often: V8's block coverage of this process. */

import { type Profiler, Session } from "node:inspector";

export class Coverage {
  private readonly session = new Session();
  private readonly seen = new Set<string>();

  /** Call before the modules of interest are loaded: code that V8 has compiled already is not counted by block. */
  constructor(private readonly urlPart: string) {
    this.session.connect();
    this.session.post("Profiler.enable");
    this.session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Blocks known so far, told apart by the magnitude of their counts. */
  get size(): number {
    return this.seen.size;
  }

  /** The blocks that ran since the last call and are new, or ran about twice as often as ever before. */
  take(): number {
    let fresh = 0;
    // The answer comes before `post` returns: the session is of this very thread.
    this.session.post("Profiler.takePreciseCoverage", (error, coverage) => {
      if (error) throw error;
      fresh = this.add(coverage.result);
    });
    return fresh;
  }

  private add(scripts: readonly Profiler.ScriptCoverage[]): number {
    const before = this.seen.size;
    for (const { url, scriptId, functions } of scripts) {
      if (!url.includes(this.urlPart)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0)
            this.seen.add(`${scriptId}:${startOffset}:${endOffset}:${Math.min(8, Math.floor(Math.log2(count)))}`);
        }
      }
    }
    return this.seen.size - before;
  }
}
