/** How the native engine sums over the rows of a batch that several ranks may share; other engines sum as they like. */

export interface Division {
  /** Rows of the whole batch. */
  readonly whole: number;
  /**
   * Rows of the slices of this part, one after the other, each summed by itself; none is empty. All have an even number of
   * rows, but for the last of the whole batch: neighbours share transforms.
   */
  readonly slices: readonly number[];
  /** How many of the sums before it, from the last on, each slice's own is added to as soon as it is there. */
  readonly merges: readonly number[];
}

/** The most slices (native/ops/division.h). */
const MOST = 6;
const UNDIVIDED: readonly number[] = new Array<number>(1 + 2 * MOST).fill(0);

let current: readonly number[] = UNDIVIDED;

/** Evaluates with gradients of parameters summed in this way: every op then sees the rows of `division`. */
export function summedBy<Result>(division: Division | undefined, evaluate: () => Result): Result {
  const before = current;
  current = division === undefined ? UNDIVIDED : wordsOf(division);
  try {
    return evaluate();
  } finally {
    current = before;
  }
}

/** The division in force, in the form that the native ops take. */
export function divisionWords(): readonly number[] {
  return current;
}

/** Sums that such a division leaves: two where they are to reach other ranks one by one. */
export function leavesOf(words: readonly number[]): number {
  const slices = words.slice(1, 1 + MOST).filter((rows) => rows > 0).length;
  return Math.max(1, slices - words.slice(1 + MOST).reduce((sum, merges) => sum + merges, 0));
}

function wordsOf({ whole, slices, merges }: Division): number[] {
  const padded = (values: readonly number[]): number[] => [...values, ...UNDIVIDED].slice(0, MOST);
  return [whole, ...padded(slices), ...padded(merges)];
}
