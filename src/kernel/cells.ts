/** Compiles cells and runs them, one after another, in a process or on ranks: nothing here knows of Jupyter's sockets. */

import type { CellHost, InputAnswer, StartHost } from "./cell-host";
import type { CellOutcome, CompiledCell, DisplayContent, ThrownError, UserMessage } from "./channel";
import { Compiler } from "./compiler";
import { TracebackMapper } from "./traceback";

export interface CellsEvents {
  /** What cells print, show and ask for, in order. */
  readonly onMessage: (message: Exclude<UserMessage, { kind: "end" }>) => void;
  /** What ran the cells has ended while none ran; another has taken its place. */
  readonly onLost: (reason: string) => void;
}

export interface CellRequest {
  readonly code: string;
  /** The name its frames have in a stack; no two cells of a kernel have the same. */
  readonly file: string;
  readonly allowStdin: boolean;
  /** Without its last value. */
  readonly isSilent: boolean;
}

/** The content of an `error` message. */
export interface ErrorContent extends Readonly<Record<string, unknown>> {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** How a cell ended. */
export interface CellEnd {
  readonly error?: ErrorContent;
  readonly result?: DisplayContent;
  readonly ranks?: DisplayContent;
}

export class Cells {
  readonly compiler = new Compiler();
  private readonly tracebacks = new TracebackMapper();
  private host: CellHost;
  /** Every local file that a cell has imported, as it was compiled last. */
  private readonly files = new Map<string, CompiledCell["files"][number]>();
  /** The host has not run a cell, and holds none of the files. */
  private isHostNew = true;
  private endCell: ((outcome: CellOutcome) => void) | undefined;
  private isInterrupted = false;
  private isAskingForInput = false;

  constructor(
    private readonly start: StartHost,
    private readonly events: CellsEvents,
  ) {
    this.host = this.startHost();
  }

  /** Runs one cell; never rejects for anything that the cell does. */
  run(request: CellRequest): Promise<CellEnd> {
    this.isInterrupted = false;
    return this.compileAndRun(request, false);
  }

  /** The value of one expression after a cell; it declares nothing, and an interrupt of the cell stops it, too. */
  async evaluate(expression: string, file: string): Promise<CellEnd> {
    const code = `(${expression}\n)`;
    const end = await this.compileAndRun({ code, file, allowStdin: false, isSilent: false }, true);
    return end.error === undefined && end.result === undefined ? { ...end, result: UNDEFINED } : end;
  }

  /** Stops the running cell; nothing when none runs. */
  interrupt(): void {
    this.isInterrupted = true;
    if (this.isAskingForInput) this.answer({ value: "", isInterrupted: true });
    if (this.endCell !== undefined) this.host.interrupt();
  }

  /** Gives the cell the line it waits for; nothing when none does. */
  answerInput(value: string): void {
    if (this.isAskingForInput) this.answer({ value });
  }

  stop(): Promise<void> {
    return this.host.stop();
  }

  private async compileAndRun(
    { code, file, allowStdin, isSilent }: CellRequest,
    isExpression: boolean,
  ): Promise<CellEnd> {
    const { diagnostics, cell, maps = [] } = await this.compiler.compile(code, file, isExpression);
    if (diagnostics.length > 0) {
      const lines = diagnostics.flatMap((diagnostic) => diagnostic.lines);
      return { error: errorContent("CompileError", diagnostics[0]!.text, lines) };
    }
    if (this.isInterrupted) return { error: errorContent("KeyboardInterrupt", "before the cell began", []) };
    if (cell === undefined || (cell.code.trim() === "" && cell.files.length === 0)) return {};
    this.tracebacks.add(cell.file, maps, code);
    for (const imported of cell.files) this.files.set(imported.path, imported);
    const complete = this.isHostNew ? { ...cell, files: [...this.files.values()] } : cell;
    this.isHostNew = false;
    const outcome = await new Promise<CellOutcome>((resolve) => {
      this.endCell = resolve;
      this.host.run({ kind: "run", cell: complete, allowStdin, isSilent }, code);
    });
    this.endCell = undefined;
    if (outcome.status === "ok") return outcome;
    return { error: this.describe(outcome.error), ranks: outcome.ranks };
  }

  private describe({ ename, evalue, stack, parts }: ThrownError): ErrorContent {
    const traceback = parts?.flatMap(({ heading, stack: partStack }) => [
      ...(heading === undefined ? [] : [heading]),
      ...(partStack === undefined ? [] : this.tracebacks.map(partStack)),
    ]);
    return errorContent(ename, evalue, traceback ?? this.tracebacks.map(stack));
  }

  private startHost(): CellHost {
    const host: CellHost = this.start({
      onMessage: (message) => this.onUserMessage(message),
      onEnd: (reason, outcome) => this.onHostEnd(host, reason, outcome),
    });
    return host;
  }

  private onUserMessage(message: UserMessage): void {
    if (message.kind === "end") {
      this.endCell?.(message.outcome);
      return;
    }
    if (message.kind === "input") this.isAskingForInput = true;
    this.events.onMessage(message);
  }

  private answer(answer: InputAnswer): void {
    this.isAskingForInput = false;
    this.host.answerInput(answer);
  }

  /** What ran the cells is gone: another takes its place, and the running cell ends with the reason. */
  private onHostEnd(host: CellHost, reason: string, outcome: CellOutcome | undefined): void {
    if (host !== this.host) return;
    this.isAskingForInput = false;
    void this.compiler.forget();
    this.host = this.startHost();
    this.isHostNew = true;
    const error = { ename: "ProcessEnded", evalue: reason, stack: `ProcessEnded: ${reason}` };
    if (this.endCell !== undefined) this.endCell(outcome ?? { status: "error", error });
    else this.events.onLost(reason);
  }
}

/** What an expression without a value shows: unlike below a cell, whoever asks for one wants an answer. */
const UNDEFINED: DisplayContent = { data: { "text/plain": "undefined" }, metadata: {} };

function errorContent(ename: string, evalue: string, traceback: readonly string[]): ErrorContent {
  return { ename, evalue, traceback: traceback.length > 0 ? traceback : [`${ename}: ${evalue}`] };
}
