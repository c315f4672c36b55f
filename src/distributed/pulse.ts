/**
 * What the watching thread can tell of the main one, which may compute for long: whether its event loop still turns, and
 * whether it waits for other ranks.
 */

/** Counters in shared memory: turns of the event loop seen, operations under way, operations settled. */
export type PulseCounters = Int32Array;
const TURNS = 0;
const UNDER_WAY = 1;
const SETTLED = 2;
const TURN_MS = 1000;

/** Main thread's side. */
export class Pulse {
  readonly counters: PulseCounters = new Int32Array(new SharedArrayBuffer(12));
  private readonly timer = setInterval(() => this.turn(), TURN_MS).unref();

  /** Notes an operation that needs the other ranks, until it settles. */
  async during<Result>(operation: Promise<Result>): Promise<Result> {
    this.turn();
    Atomics.add(this.counters, UNDER_WAY, 1);
    try {
      return await operation;
    } finally {
      Atomics.sub(this.counters, UNDER_WAY, 1);
      Atomics.add(this.counters, SETTLED, 1);
      this.turn();
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private turn(): void {
    Atomics.add(this.counters, TURNS, 1);
  }
}

export interface PulseState {
  /** Seconds since the event loop was last seen to turn. */
  readonly quietSeconds: number;
  /** It has not turned for longer than any work of it may take. */
  readonly isHung: boolean;
  /** An operation with other ranks has not settled for as long. */
  readonly isWaiting: boolean;
}

/** Watching thread's side: to be asked about once a second. */
export class PulseReader {
  private turns = 0;
  private settled = 0;
  private turnedAt: number;
  private waitingSince: number;
  private longestMs = 0;

  /**
   * @param limitMs how long the event loop may stand still
   * @param patience it may do so for this many times the longest that it ever has
   */
  constructor(
    private readonly counters: PulseCounters,
    private readonly limitMs: number,
    private readonly patience: number,
    now: number,
  ) {
    this.turnedAt = now;
    this.waitingSince = now;
  }

  read(now: number): PulseState {
    const turns = Atomics.load(this.counters, TURNS);
    if (turns !== this.turns) {
      this.longestMs = Math.max(this.longestMs, now - this.turnedAt);
      this.turns = turns;
      this.turnedAt = now;
    }
    const settled = Atomics.load(this.counters, SETTLED);
    if (settled !== this.settled || Atomics.load(this.counters, UNDER_WAY) === 0) {
      this.settled = settled;
      this.waitingSince = now;
    }
    const quietMs = now - this.turnedAt;
    return {
      quietSeconds: quietMs / 1000,
      isHung: quietMs > Math.max(this.limitMs, this.patience * this.longestMs),
      isWaiting: now - this.waitingSince > this.limitMs,
    };
  }

  /** The process was stopped for a while, and its main thread with it. */
  forgive(now: number): void {
    this.turnedAt = now;
    this.waitingSince = now;
  }
}
