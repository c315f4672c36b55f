/**
 * Asterolab: simulate power spectra of red giants, train the CNN-LSTM-Dense network on them, and read up to fifteen
 * seismic parameters, with uncertainties, off spectra of real stars. Frequencies are in µHz, powers in ppm²/µHz.
 */

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
} from "./config";
export { CellError, CheckpointError, CliError, ConfigError, DataError } from "./errors";
export { Random } from "./random";
export { version } from "./version";

export { categorize, digitize, scaleParameter } from "./data/binning";
export { type ClassEdges, classCenters, classCounts, classWidths, resolveClassEdges } from "./data/classes";
export { type Batch, type BatchOptions, Dataset, type DatasetOptions } from "./data/dataset";
export { mkdirP } from "./data/files";
export { frequencyOfBin, gridFrequencies, KEPLER_GRID, POINTS, STEP_UHZ } from "./data/grid";
export {
  classCount,
  HEAD_NAMES,
  type HeadName,
  LABEL_COLUMNS,
  labelValue,
  PARAMETERS,
  type SeismicParameter,
  SEVEN_HEADS,
} from "./data/parameters";
export { prepareSpectrum } from "./data/prepare-spectrum";
export * from "./simulate";

export { type Engine, type EngineName, engineStatistics, selectEngine } from "./engine";
export { createModel } from "./model/create-model";
export { Model, type ModelOptions } from "./model/model";

export * from "./checkpoint";

export * from "./predict";
export { type Evaluation, evaluate, evaluatePrior, priorOf } from "./train/evaluate";
export { type TrainOptions, type TrainResult, train } from "./train/loop";
export { readMetrics } from "./train/metrics-file";
export type { MetricsRecord, TrainRecord, ValidationRecord } from "./train/records";
export type { TrainEvent } from "./train/reports";
export { constant, oneCycle, type Schedule } from "./train/schedule";
