/** Text of a pipe in which the writer leaves a secret marker where a cell ends. */

export class MarkedStream {
  private rest = "";
  private marks = 0;
  private waiting: { count: number; resolve: () => void }[] = [];
  private readonly mark: string;

  constructor(
    marker: string,
    private readonly onText: (text: string) => void,
  ) {
    this.mark = `\0${marker}\0`;
  }

  push(text: string): void {
    this.rest += text;
    for (let at = this.rest.indexOf(this.mark); at !== -1; at = this.rest.indexOf(this.mark)) {
      this.emit(at);
      this.rest = this.rest.slice(this.mark.length);
      this.marks++;
      this.waiting = this.waiting.filter(({ count, resolve }) => {
        if (count > this.marks) return true;
        resolve();
        return false;
      });
    }
    // A marker may be cut between two reads: what could be its beginning waits.
    const zero = this.rest.lastIndexOf("\0");
    const isBeginning = zero !== -1 && this.mark.startsWith(this.rest.slice(zero));
    this.emit(isBeginning ? zero : this.rest.length);
  }

  /** Resolves when `count` markers have come. */
  marked(count: number): Promise<void> {
    if (this.marks >= count) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ count, resolve }));
  }

  /** Gives out what still waits, as nothing will follow. */
  flush(): void {
    this.emit(this.rest.length);
  }

  private emit(length: number): void {
    if (length === 0) return;
    const text = this.rest.slice(0, length);
    this.rest = this.rest.slice(length);
    this.onText(text);
  }
}
