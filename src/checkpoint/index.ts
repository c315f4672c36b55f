/** Checkpoints: PyTorch's `.pth` files, and the run folder's names for them. */

export {
  type LoadNewestOptions,
  loadCheckpointFile,
  loadNewestCheckpoint,
  type SaveOptions,
  saveCheckpoint,
  saveFinalModel,
  saveWeights,
} from "./checkpoints";
export { lockRun, type RunLock, waitForLock } from "./run-lock";
export { readSafetensors, type Safetensors, writeSafetensors } from "./safetensors";
export { loadTorchFile, readTorchFile, type TorchFile, writeTorchFile } from "./torch-file";
export { type DType, type TorchDict, TorchFloat, TorchTensor, TorchTuple, type TorchValue } from "./torch-values";
export type {
  LoadedCheckpoint,
  NetworkSettings,
  OneCycleState,
  OptimizerState,
  StateTensor,
  TrainingState,
} from "./training-state";
