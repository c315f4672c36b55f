/** Saves a notebook while it runs: at each step, and from time to time inside a long cell; one write at a time. */

import { writeFileAtomic } from "../data/files";
import { type Notebook, serializeNotebook } from "./notebook-file";

export class NotebookSaver {
  private writing: Promise<void> = Promise.resolve();
  private hasChanged = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly path: string,
    private readonly notebook: Notebook,
    autosaveMs: number,
  ) {
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
    this.hasChanged = false;
    const text = serializeNotebook(this.notebook);
    const previous = this.writing.catch(() => {});
    this.writing = previous.then(() => writeFileAtomic(this.path, text));
    await this.writing;
  }

  /** Saves for the last time and stops the timer. */
  async finish(): Promise<void> {
    clearInterval(this.timer);
    await this.save();
  }
}
