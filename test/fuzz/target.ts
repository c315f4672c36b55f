/** What a fuzzer needs to know of a reader: inputs to start from, and how to tell a refusal from a fault. */

export interface Target {
  readonly name: string;
  /** Well-formed inputs. */
  seeds(): Promise<Uint8Array[]> | Uint8Array[];
  /** Pieces that the format is made of. */
  readonly words: readonly string[];
  /**
   * Gives the input to the reader, and checks what it makes of it.
   *
   * @param folder for files, of this run alone.
   * @throws {Fault} when the reader fails in another way than it promises.
   */
  run(input: Uint8Array, folder: string): Promise<void>;
}

/** A finding: what the reader did is not what it promises. */
export class Fault extends Error {
  override readonly name = "Fault";
}

/**
 * Runs a reader that may refuse its input.
 *
 * @param isRefusal says whether an error is one of those that the reader promises.
 * @returns what it read; undefined when it refused.
 */
export async function attempt<T>(
  read: () => T | Promise<T>,
  isRefusal: (error: unknown) => boolean,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isRefusal(error) && isBounded(error)) return undefined;
    throw new Fault(`${(error as Error).name}: ${(error as Error).message}`.slice(0, 500), { cause: error });
  }
}

/** Errors whose cause is a mistake of the program, however well they are wrapped. */
export function isMistake(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

/** One refusal of ours by its class, not caused by a mistake. */
export function refusalOf(type: new (...args: never[]) => Error): (error: unknown) => boolean {
  return (error) => error instanceof type && !isMistake(error.cause);
}

/** Messages stay printable and short, whatever the file says about itself. */
function isBounded(error: unknown): boolean {
  return (error as Error).message.length < 10_000;
}
