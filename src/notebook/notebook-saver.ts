/** Saves a notebook while it runs: at each step, and from time to time inside a long cell; one write at a time. */

import { writeFileAtomic } from "../data/files";
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
  private hasChanged = false;
  private readonly savesSteps: boolean;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly path: string,
    private readonly notebook: Notebook,
    { autosaveMs, savesSteps }: SaverOptions,
  ) {
    this.savesSteps = savesSteps && path !== STANDARD_STREAM;
    if (!this.savesSteps || autosaveMs === 0) return;
    // A failed write is not swallowed: the next step's save meets the same full disk and ends the run.
    this.timer = setInterval(() => {
      if (this.hasChanged) this.save().catch(() => {});
    }, autosaveMs);
  }

  /** Outputs have changed since the last save. */
  noteChange(): void {
    this.hasChanged = true;
  }

  /**
   * Saves the notebook as it is now.
   *
   * @throws {DataError} when it cannot be written; the file keeps its last complete content.
   */
  async save(): Promise<void> {
    if (this.savesSteps) await this.write();
  }

  /** Saves for the last time and stops the timer. */
  async finish(): Promise<void> {
    clearInterval(this.timer);
    if (this.path === STANDARD_STREAM) await writeToStdout(this.notebook);
    else await this.write();
  }

  private async write(): Promise<void> {
    this.hasChanged = false;
    const text = serializeNotebook(this.notebook);
    const previous = this.writing.catch(() => {});
    this.writing = previous.then(() => writeFileAtomic(this.path, text));
    await this.writing;
  }
}

/** Writes a notebook to the standard output; resolves when the reader at its other end has taken it. */
export async function writeToStdout(notebook: Notebook): Promise<void> {
  const text = serializeNotebook(notebook);
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
