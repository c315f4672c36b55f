/** What the engine did since the last reset: per-op time, kernels that fell back to JavaScript, memory. */

import * as tf from "@tensorflow/tfjs-core";
import { NativeBackend } from "./native/backend";
import type { PoolStatistics } from "./native/pool";
import { fallbackProfile, type OpStatistics, opProfile, resetProfile } from "./native/profile";

export interface EngineStatistics {
  /** Calls and seconds of each native op. */
  readonly ops: ReadonlyMap<string, OpStatistics>;
  /** Calls and seconds of each stock tfjs kernel that ran in JavaScript on the native backend. */
  readonly fallbacks: ReadonlyMap<string, OpStatistics>;
  /** Memory of the native engine; null on another one. */
  readonly pool: PoolStatistics | null;
  readonly workspaceBytes: number;
}

/** What the current engine did since the last reset; empty for other engines than `native`. */
export function engineStatistics(): EngineStatistics {
  const backend = tf.backend();
  const memory = backend instanceof NativeBackend ? backend.memory() : null;
  return {
    ops: new Map(opProfile()),
    fallbacks: new Map(fallbackProfile()),
    pool: memory?.pool ?? null,
    workspaceBytes: memory?.workspaceBytes ?? 0,
  };
}

export function resetEngineStatistics(): void {
  resetProfile();
}
