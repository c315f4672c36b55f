/** Chooses where tfjs runs: `native` (our addon), `tensorflow` (tfjs-node-gpu) or `cpu` (plain tfjs). */

import { availableParallelism } from "node:os";
// The union package registers the cpu backend, the gradients of stock ops, and chained methods (x.sum()). Named like
// this it stays out of our type declarations, where its hundreds of files would slow down every importing notebook.
import * as tf from "@tensorflow/tfjs";
import { type Config, MOST_THREADS } from "../config";
import { counted } from "../counted";
import { ConfigError } from "../errors";
import { noteFacts } from "../kernel/run-facts";
import { registerNativeBackend, setNativeThreads } from "./native";
import { loadAddon } from "./native/addon";
import { maybePrecisionProblem, type Precision, usePrecision } from "./precision";
import { useTensorflow } from "./tensorflow";
import { expectsGpu } from "./tensorflow/device";

export { setNativeThreads as setThreads } from "./native";
export { type EngineStatistics, engineStatistics, resetEngineStatistics } from "./statistics";

/** The engines that compute; `auto` chooses among them. */
export type EngineName = "native" | "tensorflow" | "cpu";

/** The engine in use; the tfjs backend of the same name is the current one. */
export interface Engine {
  readonly name: EngineName;
  /** Why this engine was chosen, in words. */
  readonly reason: string;
  readonly threads: number;
  readonly precision: Precision;
  readonly usesGpu: boolean;
  /** A warning to show once: the engine is too slow to train with, or does not use the GPU that is there. */
  readonly warning?: string;
  /** One line for logs: engine, threads, instruction set, reason. */
  describe(): string;
}

export interface EngineOptions {
  /** Threads of the native engine; null or absent: the cores this process may use. */
  readonly threads?: number | null;
  /** Default: float32. */
  readonly precision?: Precision;
}

/**
 * Makes the backend of an engine the current tfjs backend. `auto` takes tensorflow with a GPU, else native, else cpu.
 *
 * @throws Error that says what to install or build when the engine asked for cannot be used; RangeError for a bad
 *   number of threads; {@link ConfigError} when the engine does not compute with the precision.
 */
export async function selectEngine(name: Config["engine"], options: EngineOptions = {}): Promise<Engine> {
  const threads = options.threads ?? availableParallelism();
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    throw new RangeError(
      `Cannot select an engine: threads must be an integer from 1 to ${MOST_THREADS}, got ${threads}`,
    );
  }
  const { precision = "float32" } = options;
  const problem = maybePrecisionProblem(name, precision);
  if (problem !== null) throw new ConfigError(problem);
  const engine = await useEngine(name, threads, precision);
  usePrecision(precision);
  noteFacts({ engine: engine.name });
  return engine;
}

/** What a log says about the engine: which and why, and its warning. */
export function engineLines({ describe, warning }: Pick<Engine, "describe" | "warning">): string[] {
  return [`engine ${describe()}`, ...(warning === undefined ? [] : [`warning: ${warning}`])];
}

async function useEngine(name: Config["engine"], threads: number, precision: Precision): Promise<Engine> {
  switch (name) {
    case "tensorflow":
      return useTensorflow({ threads, precision });
    case "native":
      return useNative(threads, "chosen by the engine setting");
    case "cpu":
      return useCpu("chosen by the engine setting");
    default:
      return selectBest(threads, precision);
  }
}

async function selectBest(threads: number, precision: Precision): Promise<Engine> {
  let reason = "no GPU engine is installed"; // and none is needed: the usual case
  try {
    return await useTensorflow({ threads, precision, needsGpu: true });
  } catch (error) {
    if (expectsGpu()) reason = (error as Error).message;
    if (precision !== "float32") {
      throw new ConfigError(
        `Setting "precision" is "${precision}": only the engine tensorflow computes so, and "auto" does not take it here (${(error as Error).message}); set engine to tensorflow, or precision to float32`,
      );
    }
  }
  try {
    return await useNative(threads, reason);
  } catch (error) {
    return useCpu(error instanceof Error ? error.message : String(error));
  }
}

async function useNative(threads: number, reason: string): Promise<Engine> {
  registerNativeBackend();
  const started = setNativeThreads(threads);
  const limit = started < threads ? `; of ${threads} threads the system starts no more than ${started}` : "";
  await tf.setBackend("native");
  const instructions = loadAddon().isa();
  return {
    name: "native",
    reason,
    threads: started,
    precision: "float32",
    usesGpu: false,
    describe: () => `native (${counted(started, "thread")}, ${instructions}): ${reason}${limit}`,
  };
}

async function useCpu(reason: string): Promise<Engine> {
  await tf.setBackend("cpu");
  // tfjs's advice to install tfjs-node, printed with the first tensor, is not for our users.
  (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
  return {
    name: "cpu",
    reason,
    threads: 1,
    precision: "float32",
    usesGpu: false,
    warning: "The cpu engine computes in plain JavaScript, hundreds of times slower than native; run `npm run setup`",
    describe: () => `cpu (plain tfjs ${tf.version_core}, 1 thread): ${reason}`,
  };
}
