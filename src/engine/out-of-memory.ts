/** When a device's memory is used up: recognises it, and finds out how much would have fitted. */

import { OutOfMemoryError } from "../errors";

/**
 * TensorFlow's RESOURCE_EXHAUSTED, the 8 of its status codes; the same as the reason why none of cuDNN's ways to convolve
 * could be tried, which is NOT_FOUND ("No algorithm worked!"); and what CUDA's libraries say.
 */
const OUT_OF_MEMORY =
  /TF_Status: 8\b|\bOOM when allocating|RESOURCE_EXHAUSTED|Out of memory while trying|CUDA_ERROR_OUT_OF_MEMORY|STATUS_ALLOC_FAILED/;

/** What was to be allocated, where the error says so. */
const REQUEST = /OOM when allocating[^\n]*?(?= on \/job|$)|Out of memory while trying to allocate \d[\w.]* ?\w+/m;

/** Whether an error says that a device's memory is used up. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && OUT_OF_MEMORY.test(error.message);
}

/** What to do where `fitting` of `size` examples fit, at least one. */
export type Advice = (fitting: number, size: number) => string;

/**
 * Runs `work` on `size` examples; where they do not fit into memory, tries halves until some do, to name a size that is
 * known to work.
 *
 * @param work uses the first `size` examples
 * @param advise ends the error's message
 * @throws OutOfMemoryError that names the size that fits; other errors of `work` as they are.
 */
export function withinMemory<Result>(
  size: number,
  work: (size: number) => Result,
  discard: (result: Result) => void,
  advise: Advice,
): Result {
  try {
    return work(size);
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    const fitting = fittingSize(Math.floor(size / 2), work, discard);
    const reason = REQUEST.exec((error as Error).message)?.[0] ?? "out of memory";
    const advice =
      fitting === 0
        ? "not even one fits: use a smaller network or --engine native"
        : `${fitting} fit: ${advise(fitting, size)}`;
    throw new OutOfMemoryError(
      `Cannot compute on ${size} spectra at once: the device's memory must hold them (${reason}); ${advice}`,
      fitting,
      { cause: error },
    );
  }
}

/** The settings with which parts that fit make the same step, or the next larger one where they would be very small. */
export function adviseStep(fitting: number, size: number): string {
  const least = Math.ceil(size / fitting);
  let count = least;
  while (size % count !== 0) count++;
  const isSame = 2 * (size / count) >= fitting;
  const [part, times, step] = isSame
    ? [size / count, count, "the same step"]
    : [fitting, least, "a step hardly larger"];
  return `set num_batchsize to ${part} for each rank, and accumulate to ${times} times what it is, for ${step}`;
}

/** Outputs do not depend on how many are worked out at once. */
export function adviseEvaluation(fitting: number): string {
  return `evaluate in batches of ${fitting}, or with --engine native`;
}

function fittingSize<Result>(size: number, work: (size: number) => Result, discard: (result: Result) => void): number {
  if (size === 0) return 0;
  try {
    discard(work(size));
    return size;
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    return fittingSize(Math.floor(size / 2), work, discard);
  }
}
