/**
 * Interrupts the main thread of the user process from a second thread, whatever it is doing. An awaiting cell is told
 * by a message; a computation does not read messages, so its execution is terminated through the inspector, which
 * leaves all variables as they are. The thread also ends the process when the front is gone.
 */

import { Worker } from "node:worker_threads";
import { CHANNELS } from "./channel";

/** How long the main thread may take to read the message before it counts as computing. */
const ANSWER_MS = 150;
/** How long library code that heeds the signal, as training does between two steps, may take before it is cut. */
const HELD_ANSWER_MS = 10_000;

const [ANSWERED, HELD] = [0, 1];

export class InterruptThread {
  private readonly shared = new Int32Array(new SharedArrayBuffer(8));

  /** @param onInterrupt called on the main thread; true when its execution had to be terminated */
  constructor(onInterrupt: (wasTerminated: boolean) => void) {
    const worker = new Worker(SOURCE, {
      eval: true,
      execArgv: [],
      workerData: { descriptor: CHANNELS.control, shared: this.shared, ANSWER_MS, HELD_ANSWER_MS, ANSWERED, HELD },
    });
    worker.unref();
    worker.on("message", ({ id, wasTerminated }: { id: number; wasTerminated: boolean }) => {
      // Terminated executions get a second message; the first one then has been answered late.
      if (!wasTerminated && Atomics.load(this.shared, ANSWERED!) >= id) return;
      Atomics.store(this.shared, ANSWERED!, id);
      onInterrupt(wasTerminated);
    });
  }

  setHeld(isHeld: boolean): void {
    Atomics.store(this.shared, HELD!, isHeld ? 1 : 0);
  }
}

// Plain JavaScript, so that the thread starts in milliseconds however the rest is loaded.
const SOURCE = `
const { Session } = require("node:inspector");
const { Socket } = require("node:net");
const { parentPort, workerData } = require("node:worker_threads");
const { descriptor, shared, ANSWER_MS, HELD_ANSWER_MS, ANSWERED, HELD } = workerData;
let id = 0;
const control = new Socket({ fd: descriptor, readable: true, writable: false });
control.on("data", () => interrupt(++id));
control.on("error", () => process.kill(process.pid, "SIGKILL"));
control.on("close", () => process.kill(process.pid, "SIGKILL"));

function interrupt(id) {
  parentPort.postMessage({ id, wasTerminated: false });
  const startedAt = performance.now();
  const timer = setInterval(() => {
    if (Atomics.load(shared, ANSWERED) >= id) return clearInterval(timer);
    const limit = Atomics.load(shared, HELD) === 1 ? HELD_ANSWER_MS : ANSWER_MS;
    if (performance.now() - startedAt < limit) return;
    clearInterval(timer);
    const session = new Session();
    session.connectToMainThread();
    session.post("Runtime.terminateExecution", () => {
      session.disconnect();
      parentPort.postMessage({ id, wasTerminated: true });
    });
  }, 10);
}
`;
