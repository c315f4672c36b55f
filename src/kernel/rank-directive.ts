/** Which ranks run a cell: all, or those that its first line names, as in `// %ranks 0,2-3`. */

/** A comment, so that the cell runs unchanged where there is one rank. */
const DIRECTIVE = /^\s*\/\/\s*%ranks\b[ \t]*(.*)$/;
const RANGE = /^(\d+)(?:-(\d+))?$/;

/**
 * The ranks that the directive on the first line of `code` names, in their order; undefined without one, or for `all`.
 *
 * @throws {RangeError} when it names none, or one that does not exist.
 */
export function ranksOfCell(code: string, size: number): readonly number[] | undefined {
  const text = DIRECTIVE.exec(code.split("\n", 1)[0]!)?.[1]?.trim();
  if (text === undefined || text === "all") return undefined;
  const ranks = new Set<number>();
  for (const part of text.split(",").map((piece) => piece.trim())) {
    const [, first, last = first] = RANGE.exec(part) ?? [];
    if (first === undefined) throw failure(text, `"${part}" is no rank`, size);
    if (Number(last) >= size) throw failure(text, `there is no rank ${last}`, size);
    if (Number(last) < Number(first)) throw failure(text, `${part} is empty`, size);
    for (let rank = Number(first); rank <= Number(last); rank++) ranks.add(rank);
  }
  return [...ranks].sort((a, b) => a - b);
}

/** Ranks in few words: `0-3, 6`. */
export function rankList(ranks: readonly number[]): string {
  const parts: string[] = [];
  for (let index = 0; index < ranks.length; ) {
    let end = index;
    while (ranks[end + 1] === ranks[end]! + 1) end++;
    parts.push(end === index ? `${ranks[index]}` : `${ranks[index]}-${ranks[end]}`);
    index = end + 1;
  }
  return parts.join(", ");
}

/** `rank 2` or `ranks 0-3, 6`. */
export function namedRanks(ranks: readonly number[]): string {
  return `${ranks.length === 1 ? "rank" : "ranks"} ${rankList(ranks)}`;
}

function failure(text: string, reason: string, size: number): RangeError {
  return new RangeError(
    `Cannot run the cell on ranks "${text}": ${reason}, expected 0 to ${size - 1}, as in 0,2 or 0-1`,
  );
}
