/**
 * Loads the addon and gives it types. Each op takes one object of named values; arrays are the tensors' own buffers,
 * never copies. The addon checks types, lengths and overlaps again (native/bind).
 */

import { existsSync } from "node:fs";
import { join } from "node:path";

export interface ConvBlockSizes {
  readonly batch: number;
  readonly length: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  /** How sums over the batch are made (native/bind/arguments.h); absent: in one slice. */
  readonly division?: Int32Array;
}

export interface ConvBlockArrays {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

export interface LstmSizes {
  readonly batch: number;
  readonly steps: number;
  readonly inputs: number;
  readonly units: number;
  /** How sums over the batch are made (native/bind/arguments.h); absent: in one slice. */
  readonly division?: Int32Array;
}

export interface LstmArrays {
  readonly weightIh: Float32Array;
  readonly weightHh: Float32Array;
  readonly biasIh: Float32Array;
  readonly biasHh: Float32Array;
}

export interface DenseSizes {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly tanh: boolean;
  /** How sums over the batch are made (native/bind/arguments.h); absent: in one slice. */
  readonly division?: Int32Array;
}

export type IsaName = "portable" | "avx2" | "avx512";

type F32 = Float32Array;

/** The functions of build/Release/asterolab.node. */
export interface Addon {
  setThreads(options: { count: number }): void;
  threads(): number;
  setIsa(options: { name: IsaName }): IsaName;
  isa(): IsaName;
  workspaceBytes(): number;

  convBlockSavedSize(a: ConvBlockSizes): number;
  /** Floating-point operations that the chosen form executes (native/ops/conv_block.h). */
  convBlockFlop(a: ConvBlockSizes & { backward: boolean; wantsDx: boolean }): number;
  /** out [m, n] = a [m, k] . b [k, n]. */
  matrixProduct(a: { m: number; n: number; k: number; out: F32; a: F32; b: F32 }): void;
  convBlockForward(a: ConvBlockSizes & ConvBlockArrays & { out: F32; saved: F32 | null; x: F32 }): void;
  convBlockBackward(
    a: ConvBlockSizes &
      ConvBlockArrays & {
        dx: F32 | null;
        dweight: F32;
        dbias: F32;
        dscale: F32;
        dshift: F32;
        dout: F32;
        x: F32;
        saved: F32;
      },
  ): void;
  lstmForward(a: LstmSizes & LstmArrays & { out: F32; saved: F32 | null; x: F32 }): void;
  lstmBackward(
    a: LstmSizes &
      LstmArrays & {
        dx: F32;
        dweightIh: F32;
        dweightHh: F32;
        dbiasIh: F32;
        dbiasHh: F32;
        dout: F32;
        out: F32;
        x: F32;
        saved: F32;
      },
  ): void;
  denseForward(a: DenseSizes & { out: F32; x: F32; weight: F32; bias: F32 }): void;
  denseBackward(a: DenseSizes & { dx: F32; dweight: F32; dbias: F32; dout: F32; out: F32; x: F32; weight: F32 }): void;
  logForward(a: { size: number; out: F32; x: F32 }): void;
  logBackward(a: { size: number; dx: F32; dout: F32; x: F32 }): void;
  dropout(a: {
    size: number;
    first: number;
    second: number;
    threshold: number;
    factor: number;
    out: F32;
    x: F32;
  }): void;
  add(a: { size: number; period: number; out: F32; a: F32; b: F32 }): void;
  scale(a: { size: number; factor: number; out: F32; a: F32 }): void;
  applyFunction(a: { size: number; name: "exp" | "log" | "tanh" | "sigmoid"; out: F32; x: F32 }): void;
  headsCrossEntropy(a: {
    batch: number;
    /** By which the sum over rows is divided; absent: `batch`. */
    whole?: number;
    logits: readonly F32[];
    labels: Int32Array;
    backward: boolean;
    gradients: readonly F32[];
  }): number;
  sumOfSquares(a: { arrays: readonly F32[] }): number;
  adamUpdate(a: {
    parameters: readonly F32[];
    gradients: readonly F32[];
    firstMoments: readonly F32[];
    secondMoments: readonly F32[];
    step: number;
    learningRate: number;
    beta1: number;
    beta2: number;
    epsilon: number;
    gradientScale: number;
  }): void;
}

/**
 * Where the addon is built; the same distance up from src/engine/native and dist/engine/native. ASTEROLAB_ADDON names
 * another build, one with sanitizers for example.
 */
export const ADDON_PATH =
  process.env.ASTEROLAB_ADDON ?? join(__dirname, "..", "..", "..", "build", "Release", "asterolab.node");

let loaded: Addon | undefined;

/**
 * The addon, loaded once.
 *
 * @throws Error that says to run `npm run setup` when it is not built, or why it does not load.
 */
export function loadAddon(path: string = ADDON_PATH): Addon {
  if (loaded && path === ADDON_PATH) return loaded;
  if (!existsSync(path)) {
    throw new Error(`Cannot use the native engine: ${path} must be built first; run \`npm run setup\``);
  }
  let addon: Addon;
  try {
    addon = require(path) as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot use the native engine: ${path} does not load (${reason}); run \`npm run build:native\``, {
      cause,
    });
  }
  if (path === ADDON_PATH) loaded = addon;
  return addon;
}
