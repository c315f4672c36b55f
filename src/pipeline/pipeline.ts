/** A pipeline: stages that are notebooks or commands, what they read and write, and the order that follows. */

/** A stage that executes a notebook. */
export interface NotebookWork {
  readonly kind: "notebook";
  /** All paths are relative to the pipeline's folder. */
  readonly notebook: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The kernel's name; null for the notebook's own. */
  readonly kernel: string | null;
  /** The longest a cell may take, in seconds; null for no limit. */
  readonly timeoutSeconds: number | null;
  /** The executed notebook. */
  readonly saveAs: string;
}

/** A stage that is a command of `asterolab`. */
export interface CommandWork {
  readonly kind: "command";
  /** As on the command line, after `asterolab`; `{resume}` is still in place. */
  readonly words: readonly string[];
  /** The file that takes what it prints to stdout; null for the stage's log alone. */
  readonly stdout: string | null;
}

export interface Stage {
  readonly name: string;
  readonly work: NotebookWork | CommandWork;
  /** Files and folders it reads and writes. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Every stage that comes before it, in the pipeline's order. */
  readonly after: readonly string[];
  /** Those of `after` that pass it no file: that they ran again is reason enough to run again. */
  readonly unseen: readonly string[];
  /** The number of MPI ranks it runs on. */
  readonly ranks: number;
}

export interface Pipeline {
  /** The file it was read from. */
  readonly path: string;
  /** Absolute; the stages run in it. */
  readonly folder: string;
  /** Relative to `folder`: executed notebooks, pages, logs and the record. */
  readonly output: string;
  /** Each after those it depends on. */
  readonly stages: readonly Stage[];
}

/** The word that becomes "yes" where a stage goes on from where it was cut off, and "no" elsewhere. */
export const RESUME = "{resume}";
