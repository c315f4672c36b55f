/** Chooses where tfjs runs: `native` (our addon), `tensorflow` (tfjs-node-gpu) or `cpu` (plain tfjs). */

// The union package registers the cpu backend, the gradients of stock ops, and chained methods (x.sum()).
import "@tensorflow/tfjs";
import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import type { Config } from "../config";

export type EngineName = "native" | "tensorflow" | "cpu";

/** The engine in use; the tfjs backend of the same name is the current one. */
export interface Engine {
  readonly name: EngineName;
  /** Why this engine was chosen, in words. */
  readonly reason: string;
  readonly threads: number;
  /** One line for logs: engine, threads, instruction set. */
  describe(): string;
}

/**
 * Makes the backend of an engine the current tfjs backend.
 *
 * @param options.threads threads of the native engine; null or absent: the cores this process may use
 * @throws Error that says what to install or build when the engine cannot be used; RangeError for a bad thread count.
 */
export async function selectEngine(
  name: Config["engine"],
  options: { readonly threads?: number | null } = {},
): Promise<Engine> {
  const threads = options.threads ?? availableParallelism();
  if (!(Number.isInteger(threads) && threads >= 1)) {
    throw new RangeError(`Cannot select an engine: threads must be a positive integer, got ${threads}`);
  }
  if (name === "tensorflow") return useTensorflow();
  return useCpu(name === "cpu" ? "chosen by the engine setting" : "the native engine is not built");
}

async function useCpu(reason: string): Promise<Engine> {
  await tf.setBackend("cpu");
  return {
    name: "cpu",
    reason,
    threads: 1,
    describe: () => `cpu (plain tfjs ${tf.version_core}, 1 thread): ${reason}`,
  };
}

async function useTensorflow(): Promise<Engine> {
  throw new Error(
    "Cannot use the tensorflow engine: @tensorflow/tfjs-node-gpu must be installed with its library, and it does not load here; use --engine native",
  );
}
