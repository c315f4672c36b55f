/**
 * What every process that runs cells does. What JavaScript prints goes to the front in one ordered channel; descriptors
 * 1 and 2 stay pipes that the front reads too, so that native code and child processes are heard as well.
 */

import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Writable } from "node:stream";
import { inspect } from "node:util";
import { errorCode } from "../files";
import { cellContext } from "./cell-context";
import { CellRunner, KeyboardInterrupt } from "./cell-runner";
import {
  type CollectiveState,
  type DisplayContent,
  HOOKS,
  type StreamName,
  type UserMessage,
  type UserRequest,
} from "./channel";
import type { KernelHooks } from "./hooks";
import { type ControlSource, InterruptThread } from "./interrupt-thread";
import { encodeBytes } from "./rich-value";
import { asWritten, describeThrown } from "./thrown";

/** The front, as a process that runs cells sees it. */
export interface FrontChannels {
  /** Requests, one line of JSON each. */
  readonly requests: Readable;
  /** Where interrupts come from; its end ends the process. */
  readonly control: ControlSource;
  /** Blocks until the front has taken the line, so that nothing is lost however fast a cell prints. */
  send(line: string): void;
  /** Blocks until the front has answered a question. */
  readAnswer(): string;
}

export interface RuntimeOptions {
  readonly channels: FrontChannels;
  /** Written to descriptors 1 and 2 where a cell ends; empty where the front does not read them. */
  readonly marker: string;
  /** Called before a cell runs. */
  readonly onCell?: (request: Extract<UserRequest, { kind: "run" }>) => void;
  /** Requests other than to run a cell; the default of `exit` is to leave. */
  readonly onRequest?: (request: UserRequest) => void;
  /** What the end of a cell tells beside its outcome. */
  readonly endOf?: () => { readonly collectives: CollectiveState };
}

export interface Runtime {
  readonly send: (message: UserMessage) => void;
}

/** Takes over this process: its streams, its errors, and the front's requests. */
export function startRuntime({ channels, marker, onCell, onRequest, endOf }: RuntimeOptions): Runtime {
  // The front maps the stacks of cells; ts-node's mapping, where it loads this file, would rename their frames.
  Reflect.deleteProperty(Error, "prepareStackTrace");

  cellContext.follow();
  const origin = (): { cell?: string } => ({ cell: cellContext.cell });
  const send = (message: UserMessage): void => channels.send(`${JSON.stringify(message)}\n`);
  for (const name of ["stdout", "stderr"] as const) {
    // Replaced before anyone touches it: Node's own would make the descriptor non-blocking, also for native code.
    const value = streamTo((text) => send({ kind: "stream", name, text: asWritten(text), ...origin() }), name);
    Object.defineProperty(process, name, { value, configurable: true, enumerable: true, writable: true });
  }

  let isStdinAllowed = false;
  const hooks: KernelHooks = {
    display: (content, isUpdate) => send({ kind: "display", content: complete(content), isUpdate, ...origin() }),
    clear: (wait) => send({ kind: "clear", wait, ...origin() }),
    get signal() {
      return runner.signal;
    },
    hold: () => runner.hold(),
  };
  Object.defineProperty(globalThis, HOOKS, { value: hooks });

  const interrupts = new InterruptThread(channels.control, ({ cell, wasTerminated, isForced }) => {
    if (wasTerminated) cellContext.reset();
    runner.interrupt(cell, isForced);
    // Node's record of asynchronous contexts was cut off mid-way; handling an exception empties it.
    if (wasTerminated) {
      setImmediate(() => {
        throw CLEANING;
      });
    }
  });
  const runner = new CellRunner({
    folder: process.cwd(),
    builtIns: { prompt },
    display: hooks.display,
    onHold: (count) => interrupts.setHeld(count > 0),
    onEnd: (outcome) => {
      if (marker !== "") for (const descriptor of [1, 2]) writeAll(descriptor, `\0${marker}\0`);
      send({ kind: "end", outcome, ...endOf?.() });
    },
  });

  process.on("SIGINT", () => undefined); // a terminal sends it to the whole group; the front passes it on as a request
  process.on("uncaughtException", (error: unknown) => fail(error));
  process.on("unhandledRejection", (reason: unknown) => fail(reason));

  createInterface({ input: channels.requests }).on("line", (line) => {
    const request = JSON.parse(line) as UserRequest;
    if (request.kind === "run") {
      isStdinAllowed = request.allowStdin;
      onCell?.(request);
      // From a timer: an interrupt may cut the stack off, which must not take the reading of requests with it.
      setTimeout(() => cellContext.run(request.cell.file, () => runner.run(request.cell, request.isSilent)), 0);
    } else if (onRequest !== undefined) {
      onRequest(request);
    } else if (request.kind === "exit") {
      process.exit(0);
    }
  });

  /** What a cell's stray parts throw fails the cell that runs, and is printed when none does. */
  function fail(error: unknown): void {
    if (error === CLEANING) return;
    if (!runner.fail(error)) process.stderr.write(`${describeThrown(error).stack}\n`);
  }

  /** Asks the person at the notebook for a line, as browsers' `prompt` does. */
  function prompt(question: unknown = ""): string {
    if (!isStdinAllowed) throw new StdinNotImplementedError();
    send({ kind: "input", prompt: typeof question === "string" ? question : inspect(question), isPassword: false });
    const { value, isInterrupted } = JSON.parse(channels.readAnswer()) as { value: string; isInterrupted?: boolean };
    if (isInterrupted) throw new KeyboardInterrupt();
    return value;
  }

  return { send };
}

/** Named as in IPython, so that tools know it. */
class StdinNotImplementedError extends Error {
  override readonly name = "StdinNotImplementedError";
  constructor() {
    super("Cannot ask for input: nobody sits at this notebook to give it");
  }
}

const CLEANING = Symbol("cleaning");

/** Blocks until the other side has room; a descriptor that does not block is asked again. */
export function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if (errorCode(error) !== "EAGAIN") throw error;
      Atomics.wait(NEVER, 0, 0, RETRY_MS);
    }
  }
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));
const RETRY_MS = 1;

function streamTo(onText: (text: string) => void, name: StreamName): Writable {
  const decoder = new TextDecoder();
  return Object.assign(
    new Writable({
      decodeStrings: false,
      write(chunk: string | Uint8Array, _encoding, done) {
        const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
        onText(text);
        done();
      },
    }),
    { fd: name === "stdout" ? 1 : 2, isTTY: false },
  );
}

function complete({ data, metadata, transient }: DisplayContent): DisplayContent {
  return { data: encodeBytes(data), metadata, transient: transient ?? { display_id: randomUUID() } };
}
