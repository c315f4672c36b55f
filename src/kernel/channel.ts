/** What the kernel's processes say to each other: front and user process over pipes, front and compiler by messages. */

/** One line of JSON from the user process; `cell` names the cell that started what gives this, where that is known. */
export type UserMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "stream"; readonly name: StreamName; readonly text: string; readonly cell?: string }
  | { readonly kind: "display"; readonly content: DisplayContent; readonly isUpdate: boolean; readonly cell?: string }
  | { readonly kind: "clear"; readonly wait: boolean; readonly cell?: string }
  | { readonly kind: "input"; readonly prompt: string; readonly isPassword: boolean }
  | { readonly kind: "end"; readonly outcome: CellOutcome; readonly collectives?: CollectiveState }
  /** A rank's answer to `collectives`. */
  | { readonly kind: "collectives"; readonly collectives: CollectiveState }
  /** A rank's process ends by itself. */
  | { readonly kind: "leave"; readonly code: number };

/** One line of JSON to the user process. */
export type UserRequest =
  | {
      readonly kind: "run";
      readonly cell: CompiledCell;
      readonly allowStdin: boolean;
      readonly isSilent: boolean;
      /** The ranks that run the cell; without it, all. */
      readonly ranks?: readonly number[];
    }
  | { readonly kind: "collectives" }
  | { readonly kind: "exit" };

/** How far a rank has come in the calls that all ranks make together. */
export interface CollectiveState {
  /** Calls begun since the world was opened. */
  readonly begun: number;
  /** Names of those that wait for other ranks. */
  readonly pending: readonly string[];
}

export type StreamName = "stdout" | "stderr";

export interface DisplayContent {
  /** MIME type to content. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transient?: { readonly display_id?: string };
}

/**
 * How a cell ended, with the rich form of its last value or what was thrown; on ranks, with what they gave beside what
 * is shown of one of them.
 */
export type CellOutcome =
  | { readonly status: "ok"; readonly result?: DisplayContent; readonly ranks?: DisplayContent }
  | { readonly status: "error"; readonly error: ThrownError; readonly ranks?: DisplayContent };

export interface ThrownError {
  readonly ename: string;
  readonly evalue: string;
  /** The stack as V8 gives it, positions still those of the compiled code. */
  readonly stack: string;
  /** In place of the stack, when several ranks failed in different ways: what each of them threw, under a heading. */
  readonly parts?: readonly { readonly heading?: string; readonly stack?: string }[];
}

/** A cell as the compiler gives it: CommonJS, ready for any process that keeps the earlier cells' names. */
export interface CompiledCell {
  /** The name its frames have in a stack. */
  readonly file: string;
  readonly code: string;
  /** The exported name that holds the value of the last expression. */
  readonly lastValue?: string;
  /** Local files the cell imports that are new or changed. */
  readonly files: readonly { readonly path: string; readonly data: string }[];
}

/** The name of the function around a cell's code, which tracebacks leave out. */
export const CELL_FUNCTION = "__cell__";
/** In a cell's code, the object whose properties are the top-level names of all cells. */
export const CELL_NAMES = "__names__";
/** In a cell's code, the function that makes an import one of them: its name, and what reads its value. */
export const BIND_IMPORT = "__import__";

/** The descriptors of the user process beside the standard ones. */
export const CHANNELS = { messages: 3, requests: 4, control: 5, input: 6 } as const;

/** Under this symbol the user process publishes the running cell's `KernelHooks`, for libraries that know of kernels. */
export const HOOKS = Symbol.for("asterolab.kernel");
