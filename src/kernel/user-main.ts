/**
 * The process in which cells run. What JavaScript prints goes to the front in one ordered channel; descriptors 1 and 2
 * stay pipes that the front reads too, so that native code and child processes are heard as well.
 */

import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { inspect } from "node:util";
import { CellRunner, KeyboardInterrupt } from "./cell-runner";
import { CHANNELS, type DisplayContent, HOOKS, type StreamName, type UserMessage, type UserRequest } from "./channel";
import type { KernelHooks } from "./hooks";
import { InterruptThread } from "./interrupt-thread";
import { readLine } from "./read-line";
import { describeThrown } from "./thrown";

const marker = process.env.ASTEROLAB_KERNEL_MARKER ?? "";
delete process.env.ASTEROLAB_KERNEL_MARKER;

// The front maps the stacks of cells; ts-node's mapping, where it loads this file, would rename their frames.
Reflect.deleteProperty(Error, "prepareStackTrace");

for (const name of ["stdout", "stderr"] as const) {
  // Replaced before anyone touches it: Node's own would make the descriptor non-blocking, also for native code.
  Object.defineProperty(process, name, { value: streamTo(name), configurable: true, enumerable: true, writable: true });
}

let isStdinAllowed = false;
const hooks: KernelHooks = {
  display: (content, isUpdate) => send({ kind: "display", content: encodeBytes(content), isUpdate }),
  clear: (wait) => send({ kind: "clear", wait }),
  get signal() {
    return runner.signal;
  },
  hold: () => runner.hold(),
};
Object.defineProperty(globalThis, HOOKS, { value: hooks });

const interrupts = new InterruptThread((wasTerminated) => {
  runner.interrupt();
  // Node's record of asynchronous contexts was cut off mid-way; handling an exception empties it.
  if (wasTerminated) {
    setImmediate(() => {
      throw CLEANING;
    });
  }
});
const CLEANING = Symbol("cleaning");
const runner = new CellRunner({
  folder: process.cwd(),
  builtIns: { prompt },
  display: hooks.display,
  onHold: (count) => interrupts.setHeld(count > 0),
  onEnd: (outcome) => {
    for (const descriptor of [1, 2]) writeAll(descriptor, `\0${marker}\0`);
    send({ kind: "end", outcome });
  },
});

process.on("SIGINT", () => undefined); // a terminal sends it to the whole group; the front passes it on as a request
process.on("uncaughtException", (error: unknown) => fail(error));
process.on("unhandledRejection", (reason: unknown) => fail(reason));

const requests = new Socket({ fd: CHANNELS.requests, readable: true, writable: false });
createInterface({ input: requests }).on("line", (line) => {
  const request = JSON.parse(line) as UserRequest;
  if (request.kind === "exit") process.exit(0);
  if (request.kind === "run") {
    isStdinAllowed = request.allowStdin;
    // From a timer: an interrupt may cut the stack off, which must not take the reading of requests with it.
    setTimeout(() => runner.run(request.cell, request.isSilent), 0);
  }
});
send({ kind: "ready" });

/** What a cell's stray parts throw fails the cell that runs, and is printed when none does. */
function fail(error: unknown): void {
  if (error === CLEANING) return;
  if (!runner.fail(error)) process.stderr.write(`${describeThrown(error).stack}\n`);
}

function streamTo(name: StreamName): Writable {
  const decoder = new TextDecoder();
  return Object.assign(
    new Writable({
      decodeStrings: false,
      write(chunk: string | Uint8Array, _encoding, done) {
        send({
          kind: "stream",
          name,
          text: typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }),
        });
        done();
      },
    }),
    { fd: name === "stdout" ? 1 : 2, isTTY: false },
  );
}

/** Asks the person at the notebook for a line, as browsers' `prompt` does. */
function prompt(question: unknown = ""): string {
  if (!isStdinAllowed) throw new Error("Cannot ask for input: nobody sits at this notebook to give it");
  send({ kind: "input", prompt: typeof question === "string" ? question : inspect(question), isPassword: false });
  const { value, isInterrupted } = JSON.parse(readLine(CHANNELS.input)) as { value: string; isInterrupted?: boolean };
  if (isInterrupted) throw new KeyboardInterrupt();
  return value;
}

function send(message: UserMessage): void {
  writeAll(CHANNELS.messages, `${JSON.stringify(message)}\n`);
}

/** Blocks until the front has room, so that nothing is lost however fast a cell prints. */
function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

function encodeBytes(content: DisplayContent): DisplayContent {
  const data = Object.entries(content.data).map(([type, value]) => [
    type,
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
  ]);
  const transient = content.transient ?? { display_id: randomUUID() };
  return { data: Object.fromEntries(data), metadata: content.metadata, transient };
}
