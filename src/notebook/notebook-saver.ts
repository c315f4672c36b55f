/** Saves a notebook while it runs: at each step, and from time to time inside a long cell; one write at a time. */

import { isSpecialFile, writeFileAtomic } from "../data/files";
import { startTurns } from "./limit";
import { type Notebook, serializeNotebook } from "./notebook-file";

/** The path that stands for the standard input and output. */
export const STANDARD_STREAM = "-";

export interface SaverOptions {
  /** The shortest time between saves inside a cell; 0 for none. */
  readonly autosaveMs: number;
  /** Without, the notebook is saved at the end alone, as it always is on the standard output. */
  readonly savesSteps: boolean;
}

export class NotebookSaver {
  private writing: Promise<void> = Promise.resolve();
  /** A save waits for the one before it. */
  private isWaiting = false;
  private hasChanged = false;
  private failure: unknown;
  private readonly savesSteps: boolean;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly path: string,
    private readonly notebook: Notebook,
    { autosaveMs, savesSteps }: SaverOptions,
  ) {
    // What is written to a pipe cannot be replaced.
    this.savesSteps = savesSteps && path !== STANDARD_STREAM && !isSpecialFile(path);
    if (!this.savesSteps) return;
    this.timer = startTurns(autosaveMs, () => {
      if (this.hasChanged && this.failure === undefined) this.step();
    });
  }

  /** Outputs have changed since the last save. */
  noteChange(): void {
    this.hasChanged = true;
  }

  /**
   * Saves the notebook as it is now, beside what comes next. Steps that follow each other faster than they can be written
   * are written together.
   *
   * @throws {DataError} when an earlier step could not be written; the file keeps its last complete content.
   */
  step(): void {
    if (this.failure !== undefined) throw this.failure;
    if (!this.savesSteps || this.isWaiting) return;
    this.isWaiting = true;
    this.writing = this.writing
      .then(() => this.write())
      .catch((error) => {
        this.failure ??= error;
      });
  }

  /**
   * Saves the notebook as it is now.
   *
   * @throws {DataError} when it cannot be written; the file keeps its last complete content.
   */
  async save(): Promise<void> {
    this.step();
    await this.writing;
    if (this.failure !== undefined) throw this.failure;
  }

  /** Saves for the last time and stops the timer. */
  async finish(): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
    if (this.path === STANDARD_STREAM) await writeToStdout(this.notebook);
    else await this.write();
  }

  private async write(): Promise<void> {
    this.isWaiting = false;
    this.hasChanged = false;
    await writeFileAtomic(this.path, serializeNotebook(this.notebook));
  }
}

/** Writes a notebook to the standard output; resolves when the reader at its other end has taken it. */
export async function writeToStdout(notebook: Notebook): Promise<void> {
  const text = serializeNotebook(notebook);
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
