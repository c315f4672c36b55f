/** Answers Jupyter's requests. Cells are compiled in a thread and run in processes, so that this one is never busy. */

import type { MessageContent } from "../notebook/wire";
import { version } from "../version";
import type { StartHost } from "./cell-host";
import { type CellEnd, Cells, type ErrorContent } from "./cells";
import type { UserMessage } from "./channel";
import { History } from "./history";
import { OutputPublisher } from "./output-publisher";
import type { KernelServer, Request } from "./server";

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
  private readonly cells: Cells;
  private readonly history = new History();
  private readonly publisher: OutputPublisher;
  private queue: Promise<void> = Promise.resolve();
  private count = 0;
  /** Cells and expressions that were not counted, since the last that was. */
  private uncounted = 0;
  /** The request whose cell runs, or ran last: output of which nobody can tell more belongs to it. */
  private current: Request | undefined;
  /** The request that started each cell, under the name of its frames: what it left running may still print. */
  private readonly requests = new Map<string, Request>();
  /** The request to which the output belongs that the publisher holds. */
  private target: Request | undefined;
  /** Requests of the shell channel received up to here are answered "aborted". */
  private abortedUpTo = 0;
  private received = 0;

  constructor(private readonly options: FrontOptions) {
    this.publisher = new OutputPublisher((type, content) =>
      this.options.server.publish(this.target?.message, type, content),
    );
    this.cells = new Cells(options.startHost, {
      onMessage: (message) => this.onUserMessage(message),
      onLost: (reason) => this.outputOf().stream("stderr", `[asterolab] ${reason}\n`),
    });
  }

  /** Takes a request from any channel; shell requests wait for those before them, control requests never. */
  readonly handle = (request: Request): void => {
    const { msg_type: type } = request.message.header;
    if (request.channel === "stdin") {
      if (type === "input_reply") this.cells.answerInput(String(request.message.content.value ?? ""));
    } else if (request.channel === "control") {
      void this.answer(request, 0);
    } else {
      const number = ++this.received;
      this.queue = this.queue.then(() => this.answer(request, number));
    }
  };

  /** Stops the running cell; nothing when none runs. */
  interrupt(): void {
    this.cells.interrupt();
  }

  stop(): Promise<void> {
    return this.cells.stop();
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
      server.reply(
        request,
        type.replace(/_request$/, "_reply"),
        failed({ ename: name, evalue, traceback: [`${name}: ${evalue}`] }),
      );
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
        const { completed, indent } = await this.cells.compiler.isComplete(String(content.code));
        return completed ? { status: "complete" } : { status: "incomplete", indent: indent ?? "" };
      }
      case "complete_request": {
        const { code, offset, toPosition } = positionOf(content);
        const { start, end, matches } = await this.cells.compiler.complete(code, offset);
        return { status: "ok", matches, cursor_start: toPosition(start), cursor_end: toPosition(end), metadata: {} };
      }
      case "inspect_request": {
        const { code, offset } = positionOf(content);
        const text = await this.cells.compiler.inspect(code, offset);
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
    const banner = `${KERNEL_INFO.banner}\nEach cell runs on ${ranks === 1 ? "one rank" : `${ranks} ranks; "// %ranks 0,2" on its first line names some`}`;
    return { ...KERNEL_INFO, implementation: "asterolab-mpi", banner };
  }

  private async execute(request: Request): Promise<Reply> {
    const { code, isSilent, isStored, allowStdin, stopsOnError, expressions } = executionOf(request.message.content);
    if (isStored) {
      this.count++;
      this.uncounted = 0;
      this.history.add(this.count, code);
    }
    const count = this.count;
    const file = isStored ? `cell[${count}]` : this.uncountedFile();
    this.current = request;
    this.requests.set(file, request);
    this.outputOf().restart();
    if (!isSilent) this.outputOf().send("execute_input", { code, execution_count: count });
    const { error, result, ranks } = await this.cells.run({ code, file, allowStdin, isSilent });
    if (result !== undefined) this.outputOf().send("execute_result", { ...result, execution_count: count });
    if (ranks !== undefined && !isSilent) this.outputOf().send("display_data", { ...ranks });
    const values = error === undefined ? await this.evaluate(expressions, request) : {};
    this.outputOf().flush();
    if (error === undefined) return { status: "ok", execution_count: count, payload: [], user_expressions: values };
    if (stopsOnError) this.abortedUpTo = this.received;
    this.outputOf().send("error", error);
    return { status: "error", execution_count: count, ...error, payload: [], user_expressions: values };
  }

  /** What the client wants to know beside the cell's outputs: the value, or the error, of each expression. */
  private async evaluate(expressions: Readonly<Record<string, unknown>>, request: Request): Promise<Reply> {
    const values: Record<string, unknown> = {};
    for (const [name, expression] of Object.entries(expressions)) {
      const file = this.uncountedFile();
      this.requests.set(file, request);
      values[name] = answerOf(await this.cells.evaluate(String(expression), file));
    }
    return values;
  }

  private uncountedFile(): string {
    return `cell[${this.count}+${++this.uncounted}]`;
  }

  /** Output of the named cell, or, without a name, of the one that runs or ran last. */
  private outputOf(cell?: string): OutputPublisher {
    const target = (cell === undefined ? undefined : this.requests.get(cell)) ?? this.current;
    if (target !== this.target) this.publisher.flush();
    this.target = target;
    return this.publisher;
  }

  private onUserMessage(message: Exclude<UserMessage, { kind: "end" }>): void {
    if (message.kind === "stream") this.outputOf(message.cell).stream(message.name, message.text);
    if (message.kind === "display") {
      const type = message.isUpdate ? "update_display_data" : "display_data";
      this.outputOf(message.cell).send(type, { ...message.content });
    }
    if (message.kind === "clear") this.outputOf(message.cell).send("clear_output", { wait: message.wait });
    if (message.kind === "input" && this.current !== undefined) {
      this.outputOf().flush();
      const content = { prompt: message.prompt, password: message.isPassword };
      this.options.server.requestInput(this.current, content);
    }
  }
}

interface Execution {
  readonly code: string;
  readonly isSilent: boolean;
  readonly isStored: boolean;
  readonly allowStdin: boolean;
  readonly stopsOnError: boolean;
  readonly expressions: Readonly<Record<string, unknown>>;
}

/**
 * The fields of an execute_request, with the protocol's defaults. As in IPython, a silent cell is never stored, and its
 * failure stops nobody.
 *
 * @throws {TypeError} without code to run
 */
function executionOf(content: MessageContent): Execution {
  const { code, silent, store_history, allow_stdin, stop_on_error, user_expressions } = content;
  if (typeof code !== "string")
    throw new TypeError(`Cannot run a cell whose code is ${JSON.stringify(code)}, expected a string`);
  const isSilent = silent === true;
  return {
    code,
    isSilent,
    isStored: !isSilent && store_history !== false,
    allowStdin: allow_stdin !== false,
    stopsOnError: !isSilent && stop_on_error !== false,
    expressions: typeof user_expressions === "object" && user_expressions !== null ? { ...user_expressions } : {},
  };
}

function answerOf({ error, result }: CellEnd): Reply {
  if (error !== undefined) return failed(error);
  return { status: "ok", data: result?.data ?? {}, metadata: result?.metadata ?? {} };
}

function failed(error: ErrorContent): Reply {
  return { status: "error", ...error };
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
