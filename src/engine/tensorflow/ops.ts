/**
 * The ops of `../ops` on TensorFlow: its whole-sequence LSTM and its softmax cross-entropy, a convolution block that keeps
 * less for backward, products in bfloat16 where the run asks for them, and the composed form of the rest, which TensorFlow
 * runs as it is.
 */

import { defineHeadsCrossEntropy } from "./heads-cross-entropy";
import { defineLstm } from "./lstm";
import { defineMixed } from "./mixed";

export { dropout, logPower } from "../composed";
export { convBlock } from "./conv-block";
export { dense } from "./dense";
export { headsCrossEntropy } from "./heads-cross-entropy";
export { lstm } from "./lstm";

let isDefined = false;

/** Registers the kernels that these ops call, once; after the backend. */
export function defineTensorflowKernels(): void {
  if (isDefined) return;
  isDefined = true;
  defineLstm();
  defineHeadsCrossEntropy();
  defineMixed();
}
