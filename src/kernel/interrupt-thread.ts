/**
 * Interrupts the main thread of the user process from a second thread, whatever it is doing. An awaiting cell is told
 * by a message; a computation does not read messages, so its execution is terminated through the inspector, which
 * leaves all variables as they are. The thread also ends the process when the front is gone.
 */

import { Worker } from "node:worker_threads";

/** A pipe that the front made, or where it listens and how a connection begins. */
export type ControlSource =
  | { readonly descriptor: number }
  | { readonly host: string; readonly port: number; readonly hello: string };

export interface Interrupt {
  /** The name of the cell that is meant: it may not have begun here, or have ended. */
  readonly cell: string;
  /** The main thread's execution had to be terminated. */
  readonly wasTerminated: boolean;
  /** Nobody waits for library code that heeds the signal. */
  readonly isForced: boolean;
}

/** What the front writes to interrupt a cell; `isForced` waits for nobody. */
export function interruptLine(cell: string, isForced: boolean): string {
  return `${JSON.stringify({ cell, isForced })}\n`;
}

/** How long the main thread may take to read the message before it counts as computing. */
const ANSWER_MS = 150;
/** How long library code that heeds the signal, as training does between two steps, may take before it is cut. */
const HELD_ANSWER_MS = 10_000;

const [ANSWERED, HELD] = [0, 1];

export class InterruptThread {
  private readonly shared = new Int32Array(new SharedArrayBuffer(8));

  /** @param onInterrupt called on the main thread */
  constructor(source: ControlSource, onInterrupt: (interrupt: Interrupt) => void) {
    const { shared } = this;
    const worker = new Worker(SOURCE, {
      eval: true,
      execArgv: [],
      workerData: { source, shared, ANSWER_MS, HELD_ANSWER_MS, ANSWERED, HELD },
    });
    worker.unref();
    worker.on("message", ({ id, ...interrupt }: Interrupt & { id: number }) => {
      // Terminated executions get a second message; the first one then has been answered late.
      if (!interrupt.wasTerminated && Atomics.load(shared, ANSWERED!) >= id) return;
      Atomics.store(shared, ANSWERED!, id);
      onInterrupt(interrupt);
    });
  }

  setHeld(isHeld: boolean): void {
    Atomics.store(this.shared, HELD!, isHeld ? 1 : 0);
  }
}

// Plain JavaScript, so that the thread starts in milliseconds however the rest is loaded.
const SOURCE = `
const { Session } = require("node:inspector");
const { connect, Socket } = require("node:net");
const { parentPort, workerData } = require("node:worker_threads");
const { source, shared, ANSWER_MS, HELD_ANSWER_MS, ANSWERED, HELD } = workerData;
let id = 0;
const control = "descriptor" in source
  ? new Socket({ fd: source.descriptor, readable: true, writable: false })
  : connect(source, () => control.write(source.hello));
let rest = "";
control.on("data", (bytes) => {
  const lines = (rest + bytes).split("\\n");
  rest = lines.pop();
  for (const line of lines) interrupt(++id, JSON.parse(line));
});
control.on("error", () => process.kill(process.pid, "SIGKILL"));
control.on("close", () => process.kill(process.pid, "SIGKILL"));

function interrupt(id, { cell, isForced }) {
  parentPort.postMessage({ id, cell, isForced, wasTerminated: false });
  const startedAt = performance.now();
  const timer = setInterval(() => {
    if (Atomics.load(shared, ANSWERED) >= id) return clearInterval(timer);
    const limit = Atomics.load(shared, HELD) === 1 && !isForced ? HELD_ANSWER_MS : ANSWER_MS;
    if (performance.now() - startedAt < limit) return;
    clearInterval(timer);
    const session = new Session();
    session.connectToMainThread();
    session.post("Runtime.terminateExecution", () => {
      session.disconnect();
      parentPort.postMessage({ id, cell, isForced, wasTerminated: true });
    });
  }, 10);
}
`;
