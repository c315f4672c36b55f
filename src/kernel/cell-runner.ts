/** Runs compiled cells one after another in this process; their names live on as properties of one object. */

import vm from "node:vm";
import { createCellRequire } from "./cell-require";
import {
  BIND_IMPORT,
  CELL_FUNCTION,
  CELL_NAMES,
  type CellOutcome,
  type CompiledCell,
  type DisplayContent,
} from "./channel";
import { richValue } from "./rich-value";
import { describeThrown } from "./thrown";

export class KeyboardInterrupt extends Error {
  override readonly name = "KeyboardInterrupt";
  constructor() {
    super("the cell was interrupted; variables keep what they held");
    this.stack = `${this.name}: ${this.message}`;
  }
}

export interface CellRunnerOptions {
  /** Local files and packages are looked for from here. */
  readonly folder: string;
  /** Values that cells find under a name, as the compiler has them declared. */
  readonly builtIns: Readonly<Record<string, unknown>>;
  readonly display: (content: DisplayContent, isUpdate: boolean) => void;
  /** Called with the number of library calls that heed the signal. */
  readonly onHold: (count: number) => void;
  readonly onEnd: (outcome: CellOutcome) => void;
}

/** How long library code may take to stop by itself after an interrupt. */
const HOLD_LIMIT_MS = 10_000;

export class CellRunner {
  /** Plain and without deletions, so that V8 reads and writes its properties as fast as fields. */
  private readonly names: Record<string, unknown> = {};
  private readonly bindImport = importsInto(this.names);
  private readonly files: ReturnType<typeof createCellRequire>;
  private abort = new AbortController();
  private holds = 0;
  /** The name of the cell that runs, or ran last. */
  private current = "";
  /** The name of a cell whose interrupt came before the cell. */
  private interruptedEarly: string | undefined;
  /** The running cell: set while one runs, called at most once. */
  private settle: ((outcome: CellOutcome) => void) | undefined;

  constructor(private readonly options: CellRunnerOptions) {
    Object.assign(this.names, options.builtIns);
    this.files = createCellRequire(options.folder, options.display);
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Never throws and never waits: the end is told to `onEnd`, from wherever it comes. */
  run(cell: CompiledCell, isSilent: boolean): void {
    this.abort = new AbortController();
    this.current = cell.file;
    const settle = (outcome: CellOutcome): void => {
      if (this.settle !== settle) return; // what an interrupted cell comes to later is no end of another
      this.settle = undefined;
      this.options.onEnd(this.abort.signal.aborted ? failure(new KeyboardInterrupt()) : outcome);
    };
    this.settle = settle;
    this.files.update(cell.files);
    if (this.interruptedEarly === cell.file) {
      this.interrupt(cell.file, true);
      return;
    }
    this.evaluate(cell)
      .then((value) => (isSilent ? undefined : richValue(value)))
      .then(
        (result) => settle({ status: "ok", result }),
        (error) => settle(failure(error)),
      );
  }

  /**
   * Stops the named cell: at once, or, unless forced, when the library calls that heed the signal have stopped. One that
   * has not begun will not; one that has ended is left alone.
   */
  interrupt(cell: string, isForced = false): void {
    if (cell !== this.current) this.interruptedEarly = cell;
    if (cell !== this.current || this.settle === undefined) return;
    const interrupted = this.settle;
    const end = (): void => {
      if (this.settle === interrupted) interrupted(failure(new KeyboardInterrupt()));
    };
    this.abort.abort(new KeyboardInterrupt());
    if (this.holds === 0 || isForced) end();
    else setTimeout(end, HOLD_LIMIT_MS).unref();
  }

  hold(): () => void {
    this.options.onHold(++this.holds);
    const { settle } = this;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.options.onHold(--this.holds);
      if (this.holds > 0 || !this.abort.signal.aborted) return;
      // The cell may take over what the library returned before it ends.
      setImmediate(() => {
        if (settle !== undefined && this.settle === settle) settle(failure(new KeyboardInterrupt()));
      });
    };
  }

  /** Ends the running cell with an error from outside its own control flow; false when none runs. */
  fail(error: unknown): boolean {
    if (this.settle === undefined) return false;
    this.settle(failure(error));
    return true;
  }

  private async evaluate(cell: CompiledCell): Promise<unknown> {
    const head = `(async function ${CELL_FUNCTION}(exports, require, ${CELL_NAMES}, ${BIND_IMPORT}) { `;
    const run = vm.runInThisContext(`${head}${cell.code}\n})`, {
      filename: cell.file,
      columnOffset: -head.length,
      displayErrors: false, // it would write the compiled line into the stack
    }) as CellFunction;
    const { names } = this;
    await run(names, this.files.require, names, this.bindImport);
    if (cell.lastValue === undefined) return undefined;
    const value = names[cell.lastValue];
    names[cell.lastValue] = undefined;
    return value; // awaited, should it be a promise
  }
}

type CellFunction = (
  exports: object,
  require: (id: string) => unknown,
  names: object,
  bindImport: (name: string, read: () => unknown) => void,
) => unknown;

function failure(error: unknown): CellOutcome {
  return { status: "error", error: describeThrown(error) };
}

/** Makes names live imports, read where they come from, until a cell declares them as something else. */
function importsInto(names: Record<string, unknown>): (name: string, read: () => unknown) => void {
  const readers = new Map<string, () => unknown>();
  return (name, read) => {
    // A property that is an import stays one: to define it anew would make the whole object slow.
    if (!readers.has(name)) {
      Object.defineProperty(names, name, {
        get: () => readers.get(name)!(),
        set: (value) => readers.set(name, () => value),
        enumerable: true,
      });
    }
    readers.set(name, read);
  };
}
