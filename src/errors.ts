/** The error classes of Asterolab: each names what is wrong, where, and what would be right. */

/** The command line asks for something that does not exist or does not fit together. */
export class CliError extends Error {
  override readonly name = "CliError";
}

/** A setting is unknown, of the wrong type, or contradicts another; lists every problem found. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(
    message: string,
    readonly problems: readonly string[] = [message],
  ) {
    super(message);
  }
}

/** Where in a data set an error was found; rows and columns count from 0. */
export interface DataLocation {
  readonly path: string;
  readonly row?: number;
  readonly column?: number;
}

/** A shard, a data-set folder or a spectrum cannot be used. */
export class DataError extends Error {
  override readonly name = "DataError";
  readonly path: string;
  readonly row: number | undefined;
  readonly column: number | undefined;
  /** True when another request (path, filter, head) would be right, false when the file itself is bad. */
  readonly isRequest: boolean;

  constructor(message: string, location: DataLocation, options: { cause?: unknown; isRequest?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.path = location.path;
    this.row = location.row;
    this.column = location.column;
    this.isRequest = options.isRequest ?? false;
  }
}

/** A checkpoint cannot be written, read, verified or fitted to the network. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  /** True when there is no such file: another path would be right. */
  readonly isRequest: boolean;

  constructor(
    message: string,
    readonly path: string,
    options: { cause?: unknown; isRequest?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.isRequest = options.isRequest ?? false;
  }
}

/** A batch did not fit into the device's memory. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
  constructor(
    message: string,
    /** The largest of the sizes tried that fits; 0 when none does. */
    readonly fittingSize: number,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

/** A notebook cell failed; `ename` and `evalue` are those of the kernel. */
export class CellError extends Error {
  override readonly name = "CellError";
  constructor(
    message: string,
    readonly cellIndex: number,
    readonly ename: string,
    readonly evalue: string,
    readonly traceback: readonly string[] = [],
  ) {
    super(message);
  }
}

/** A notebook, its parameters or its kernel's name cannot be used. */
export class NotebookError extends Error {
  override readonly name = "NotebookError";
  readonly path: string | undefined;
  /** True when another request (path, parameter, kernel) would be right. */
  readonly isRequest: boolean;

  constructor(message: string, options: { path?: string; isRequest?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.path = options.path;
    this.isRequest = options.isRequest ?? false;
  }
}

/** A Jupyter kernel did not start, did not answer, or ended; `kernelOutput` is what it printed last. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  constructor(
    message: string,
    readonly kernelOutput = "",
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

/** Ranks cannot be started or joined, differ from one another, or one of them failed. */
export class CommunicatorError extends Error {
  override readonly name = "CommunicatorError";
  /** The rank and machine that it is about; undefined when about all. */
  readonly rank: number | undefined;
  readonly host: string | undefined;
  /** True when the command that started the ranks has to change. */
  readonly isRequest: boolean;

  constructor(message: string, about: { rank?: number; host?: string; isRequest?: boolean; cause?: unknown } = {}) {
    super(message, { cause: about.cause });
    this.rank = about.rank;
    this.host = about.host;
    this.isRequest = about.isRequest ?? false;
  }
}

/** The exit code a command ends with after `error`: 2 when the request was wrong, 1 when the work failed. */
export function exitCodeOf(error: unknown): 1 | 2 {
  if (error instanceof CliError || error instanceof ConfigError) return 2;
  const mayBeRequest =
    error instanceof CheckpointError ||
    error instanceof DataError ||
    error instanceof NotebookError ||
    error instanceof CommunicatorError;
  return mayBeRequest && error.isRequest ? 2 : 1;
}
