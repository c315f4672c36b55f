/**
 * Asterolab: simulate power spectra of red giants, train the CNN-LSTM-Dense network on them, and read up to fifteen
 * seismic parameters, with uncertainties, off spectra of real stars. Frequencies are in µHz, powers in ppm²/µHz.
 */

export * from "./bench";
export * from "./checkpoint";
export { type ClassicalEstimate, ClassicalEstimator, DETECTION_STRENGTH } from "./classical";
export {
  type Config,
  type ConfigSpec,
  type Filter,
  type Loss,
  PRESETS,
  type PresetName,
  parseAssignment,
  parseConfig,
  readConfigFile,
  type SimulateConfig,
} from "./config";
export { convert } from "./convert";
export { categorize, digitize, scaleParameter } from "./data/binning";
export { type ClassEdges, classCenters, classCounts, classWidths, resolveClassEdges } from "./data/classes";
export { Dataset, type DatasetOptions } from "./data/dataset";
export { mkdirP } from "./data/files";
export { frequencyOfBin, gridFrequencies, KEPLER_GRID, LONGEST_DAYS, POINTS, STEP_UHZ } from "./data/grid";
export {
  classCount,
  HEAD_NAMES,
  type HeadName,
  LABEL_COLUMNS,
  labelValue,
  PARAMETERS,
  SEVEN_HEADS,
  type SeismicParameter,
} from "./data/parameters";
export { inputPoints, type Preparation, prepareSpectrum, SpectrumPreparer } from "./data/prepare-spectrum";
export type { Batch, BatchOptions, SpectrumSource } from "./data/source";
export { type Communicator, detectLaunch, openWorld, singleCommunicator, withoutRank } from "./distributed";
export { type Engine, type EngineName, engineStatistics, selectEngine } from "./engine";
export {
  CellError,
  CheckpointError,
  CliError,
  CommunicatorError,
  ConfigError,
  DataError,
  KernelError,
  NotebookError,
} from "./errors";
export { createModel } from "./model/create-model";
export { Model, type ModelOptions } from "./model/model";
export * from "./plot";
export * from "./predict";
export { Random } from "./random";
export * from "./simulate";
export { openForValidation, openTraining } from "./train/datasets";
export { type Evaluation, evaluate, evaluatePrior, priorOf } from "./train/evaluate";
export { type TrainOptions, type TrainResult, train } from "./train/loop";
export { readMetrics } from "./train/metrics-file";
export { findMpirun, type TrainOnRanksOptions, trainOnRanks } from "./train/on-ranks";
export type { MetricsRecord, TrainRecord, ValidationRecord } from "./train/records";
export type { TrainEvent } from "./train/reports";
export { constant, oneCycle, type Schedule } from "./train/schedule";
export { version } from "./version";
