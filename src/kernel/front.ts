/** Answers Jupyter's requests. Cells are compiled in a thread and run in processes, so that this one is never busy. */

import type { MessageContent } from "../notebook/wire";
import { version } from "../version";
import type { CellHost, InputAnswer, StartHost } from "./cell-host";
import type { CellOutcome, CompiledCell, ThrownError, UserMessage } from "./channel";
import { Compiler } from "./compiler";
import { History } from "./history";
import { OutputPublisher } from "./output-publisher";
import type { KernelServer, Request } from "./server";
import { TracebackMapper } from "./traceback";

export interface FrontOptions {
  readonly server: KernelServer;
  /** Starts what runs the cells; again when that has ended. */
  readonly startHost: StartHost;
  /** Number of ranks of the kernel that has them. */
  readonly ranks?: number;
  /** Called after the reply to a shutdown request, with everything stopped. */
  readonly onShutdown: () => void;
}

type Reply = MessageContent;

export class Front {
  private readonly compiler = new Compiler();
  private readonly history = new History();
  private readonly tracebacks = new TracebackMapper();
  private readonly output: OutputPublisher;
  private host: CellHost;
  /** Every local file that a cell has imported, as it was compiled last. */
  private readonly files = new Map<string, CompiledCell["files"][number]>();
  /** The host has not run a cell, and holds none of the files. */
  private isHostNew = true;
  private queue: Promise<void> = Promise.resolve();
  private count = 0;
  /** The request whose cell runs, or ran last: late output belongs to it. */
  private current: Request | undefined;
  private endCell: ((outcome: CellOutcome) => void) | undefined;
  private isInterrupted = false;
  private isAskingForInput = false;
  /** Requests of the shell channel received up to here are answered "aborted". */
  private abortedUpTo = 0;
  private received = 0;

  constructor(private readonly options: FrontOptions) {
    this.output = new OutputPublisher((type, content) =>
      this.options.server.publish(this.current?.message, type, content),
    );
    this.host = this.startHost();
  }

  /** Takes a request from any channel; shell requests wait for those before them, control requests never. */
  readonly handle = (request: Request): void => {
    const { msg_type: type } = request.message.header;
    if (request.channel === "stdin") {
      if (type === "input_reply") this.onInputReply(request.message.content);
    } else if (request.channel === "control") {
      void this.answer(request, 0);
    } else {
      const number = ++this.received;
      this.queue = this.queue.then(() => this.answer(request, number));
    }
  };

  /** Stops the running cell; nothing when none runs. */
  interrupt(): void {
    this.isInterrupted = true;
    if (this.isAskingForInput) this.answerInput({ value: "", isInterrupted: true });
    if (this.endCell !== undefined) this.host.interrupt();
  }

  stop(): Promise<void> {
    return this.host.stop();
  }

  private async answer(request: Request, number: number): Promise<void> {
    const { message } = request;
    const { server } = this.options;
    const type = message.header.msg_type;
    server.publish(message, "status", { execution_state: "busy" });
    let end: (() => void) | undefined;
    try {
      if (type === "shutdown_request") {
        await this.stop();
        server.reply(request, "shutdown_reply", { status: "ok", restart: message.content.restart === true });
        end = this.options.onShutdown;
      } else {
        const content = await this.contentFor(request, type, number);
        if (content !== undefined) server.reply(request, type.replace(/_request$/, "_reply"), content);
      }
    } catch (error) {
      const { name, message: evalue } = error as Error;
      server.reply(request, type.replace(/_request$/, "_reply"), failed(name, evalue, [`${name}: ${evalue}`]));
    }
    server.publish(message, "status", { execution_state: "idle" });
    end?.();
  }

  /** The content of the reply; nothing for messages that have none. */
  private async contentFor(request: Request, type: string, number: number): Promise<Reply | undefined> {
    const { content } = request.message;
    switch (type) {
      case "kernel_info_request":
        return this.describeKernel();
      case "execute_request":
        return number <= this.abortedUpTo ? { status: "aborted" } : await this.execute(request);
      case "interrupt_request":
        this.interrupt();
        return { status: "ok" };
      case "is_complete_request": {
        const { completed, indent } = await this.compiler.isComplete(String(content.code));
        return completed ? { status: "complete" } : { status: "incomplete", indent: indent ?? "" };
      }
      case "complete_request": {
        const { code, offset, toPosition } = positionOf(content);
        const { start, end, matches } = await this.compiler.complete(code, offset);
        return { status: "ok", matches, cursor_start: toPosition(start), cursor_end: toPosition(end), metadata: {} };
      }
      case "inspect_request": {
        const { code, offset } = positionOf(content);
        const text = await this.compiler.inspect(code, offset);
        return { status: "ok", found: text !== undefined, data: text ? { "text/plain": text } : {}, metadata: {} };
      }
      case "history_request":
        return { status: "ok", history: this.history.find(content) };
      case "comm_info_request":
        return { status: "ok", comms: {} };
      case "comm_open":
        // No comm has a counterpart here; the protocol asks to close those.
        this.options.server.publish(request.message, "comm_close", { comm_id: content.comm_id, data: {} });
        return undefined;
      default:
        return undefined;
    }
  }

  private describeKernel(): Reply {
    const { ranks } = this.options;
    if (ranks === undefined) return KERNEL_INFO;
    const banner = `${KERNEL_INFO.banner}\nEach cell runs on ${ranks} ranks; "// %ranks 0,2" on its first line names some`;
    return { ...KERNEL_INFO, implementation: "asterolab-mpi", banner };
  }

  private async execute(request: Request): Promise<Reply> {
    const {
      code: rawCode,
      silent,
      store_history: isStored,
      allow_stdin: allowStdin,
      stop_on_error,
    } = {
      silent: false,
      store_history: true,
      allow_stdin: true,
      stop_on_error: true,
      ...request.message.content,
    } as Record<string, unknown>;
    if (typeof rawCode !== "string")
      throw new TypeError(`Cannot run a cell whose code is ${JSON.stringify(rawCode)}, expected a string`);
    const code = rawCode;
    const isSilent = silent === true;
    this.isInterrupted = false;
    this.current = request;
    this.output.restart();
    if (!isSilent && isStored === true) {
      this.count++;
      this.history.add(this.count, code);
    }
    const count = this.count;
    if (!isSilent) this.output.send("execute_input", { code, execution_count: count });
    const error = await this.compileAndRun(code, { count, isSilent, allowStdin: allowStdin === true });
    this.output.flush();
    if (error === undefined) return { status: "ok", execution_count: count, payload: [], user_expressions: {} };
    if (stop_on_error !== false) this.abortedUpTo = this.received;
    if (!isSilent) this.output.send("error", error);
    return { status: "error", execution_count: count, ...error };
  }

  /** Runs one cell; returns the content of its `error` message, if it failed. */
  private async compileAndRun(
    code: string,
    { count, isSilent, allowStdin }: { count: number; isSilent: boolean; allowStdin: boolean },
  ): Promise<ErrorContent | undefined> {
    const { diagnostics, cell, maps = [] } = await this.compiler.compile(code, `cell[${count}]`);
    if (diagnostics.length > 0) {
      return errorContent(
        "CompileError",
        diagnostics[0]!.text,
        diagnostics.flatMap(({ lines }) => lines),
      );
    }
    if (this.isInterrupted) return errorContent("KeyboardInterrupt", "before the cell began", []);
    if (cell === undefined || (cell.code.trim() === "" && cell.files.length === 0)) return undefined;
    this.tracebacks.add(cell.file, maps, code);
    for (const file of cell.files) this.files.set(file.path, file);
    const complete = this.isHostNew ? { ...cell, files: [...this.files.values()] } : cell;
    this.isHostNew = false;
    const outcome = await new Promise<CellOutcome>((resolve) => {
      this.endCell = resolve;
      this.host.run({ kind: "run", cell: complete, allowStdin, isSilent }, code);
    });
    this.endCell = undefined;
    if (outcome.status === "ok" && outcome.result !== undefined) {
      this.output.send("execute_result", { ...outcome.result, execution_count: count });
    }
    if (outcome.ranks !== undefined && !isSilent) this.output.send("display_data", { ...outcome.ranks });
    return outcome.status === "error" ? this.describe(outcome.error) : undefined;
  }

  private describe({ ename, evalue, stack, parts }: ThrownError): ErrorContent {
    const traceback = parts?.flatMap(({ heading, stack: partStack }) => [
      ...(heading === undefined ? [] : [heading]),
      ...(partStack === undefined ? [] : this.tracebacks.map(partStack)),
    ]);
    return errorContent(ename, evalue, traceback ?? this.tracebacks.map(stack));
  }

  private startHost(): CellHost {
    const host: CellHost = this.options.startHost({
      onMessage: (message) => this.onUserMessage(message),
      onEnd: (reason, outcome) => this.onHostEnd(host, reason, outcome),
    });
    return host;
  }

  private onUserMessage(message: UserMessage): void {
    if (message.kind === "stream") this.output.stream(message.name, message.text);
    if (message.kind === "display") {
      this.output.send(message.isUpdate ? "update_display_data" : "display_data", { ...message.content });
    }
    if (message.kind === "clear") this.output.send("clear_output", { wait: message.wait });
    if (message.kind === "end") this.endCell?.(message.outcome);
    if (message.kind === "input" && this.current !== undefined) {
      this.output.flush();
      this.isAskingForInput = true;
      const content = { prompt: message.prompt, password: message.isPassword };
      this.options.server.requestInput(this.current, content);
    }
  }

  private onInputReply(content: MessageContent): void {
    if (this.isAskingForInput) this.answerInput({ value: String(content.value ?? "") });
  }

  private answerInput(answer: InputAnswer): void {
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
    else this.output.stream("stderr", `[asterolab] ${reason}\n`);
  }
}

interface ErrorContent extends MessageContent {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

function errorContent(ename: string, evalue: string, traceback: readonly string[]): ErrorContent {
  return { ename, evalue, traceback: traceback.length > 0 ? traceback : [`${ename}: ${evalue}`] };
}

function failed(ename: string, evalue: string, traceback: readonly string[]): Reply {
  return { status: "error", ename, evalue, traceback };
}

/** Jupyter counts positions in code points, TypeScript in UTF-16 units. */
function positionOf(content: MessageContent): { code: string; offset: number; toPosition: (offset: number) => number } {
  const code = String(content.code);
  const offset = Array.from(code).slice(0, Number(content.cursor_pos)).join("").length;
  return { code, offset, toPosition: (at) => Array.from(code.slice(0, at)).length };
}

const KERNEL_INFO: Reply = {
  status: "ok",
  protocol_version: "5.3",
  implementation: "asterolab",
  implementation_version: version,
  language_info: {
    name: "typescript",
    version: "5.0.4", // the compiler in tslab
    mimetype: "text/typescript",
    file_extension: ".ts",
    // What makes JupyterLab and Notebook 6 highlight TypeScript.
    codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
  },
  banner: `Asterolab ${version}: TypeScript cells with the types of tslab's compiler`,
  help_links: [],
};
