/** The ops of `../ops` composed of stock tfjs ops: they run on any backend, and are what the fused kernels must agree with. */

export { convBlock } from "./conv-block";
export { dropout } from "./dropout";
export { headsCrossEntropy } from "./heads-cross-entropy";
export { lstm } from "./lstm";
export { dense, logPower } from "./pointwise";
