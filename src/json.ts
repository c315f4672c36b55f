/** JSON from others: parsed, and no deeper than code that walks through it can follow. */

/** Notebooks, settings and manifests nest a few levels; JSON of 50,000 levels is 100 kB and overflows any recursion. */
const MAX_DEPTH = 200;

/**
 * Parses a document.
 *
 * @throws {SyntaxError} when it is not JSON, or nests too deep.
 */
export function parseJson(text: string): unknown {
  const document: unknown = JSON.parse(text);
  let level: unknown[] = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw new SyntaxError(`it nests deeper than ${MAX_DEPTH} levels`);
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return document;
}

/** Whether a value is a JSON object: no list, and not null. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
