/** When a device's memory is used up: recognises it, and finds out how much would have fitted. */

import { OutOfMemoryError } from "../errors";

/** Whether an error is TensorFlow's RESOURCE_EXHAUSTED, the 8 of its status codes, or a CUDA library's like. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && /TF_Status: 8\b|\bOOM when allocating|CUDA_ERROR_OUT_OF_MEMORY/.test(error.message);
}

/**
 * Runs `work` on `size` examples; where they do not fit into memory, tries halves until some do, to name a size that is
 * known to work.
 *
 * @param work uses the first `size` examples
 * @throws OutOfMemoryError that names the size that fits; other errors of `work` as they are.
 */
export function withinMemory<Result>(
  size: number,
  work: (size: number) => Result,
  discard: (result: Result) => void,
): Result {
  try {
    return work(size);
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    const fitting = fittingSize(Math.floor(size / 2), work, discard);
    const reason = (error as Error).message.match(/OOM when allocating[^\n]*?(?= on \/job|$)/m)?.[0] ?? "out of memory";
    const advice =
      fitting === 0
        ? "not even one fits: use a smaller network or --engine native"
        : `${fitting} fit: set num_batchsize to ${fitting} for each rank, and accumulate to ${Math.ceil(size / fitting)} for the same step`;
    throw new OutOfMemoryError(
      `Cannot compute on ${size} spectra at once: the device's memory must hold them (${reason}); ${advice}`,
      fitting,
      { cause: error },
    );
  }
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
