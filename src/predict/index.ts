/** From a spectrum file to posteriors. */

export { type AssessOptions, assess, BIN_EDGES, type HeadAssessment, type Scores } from "./assessment";
export { type Calibration, calibratedLogits } from "./calibrated";
export { type CalibrateOptions, calibrate, classShares, fitCalibration } from "./calibration";
export { type Coverage, coverageOf, type Reliability } from "./coverage";
export { type Detection, detectionOf } from "./detection";
export { FREQUENCY_UNITS, type FrequencyUnit } from "./frequency-unit";
export { type CollectOptions, collectHeldOut, type HeldOut, halfOfRows, rowsWhere } from "./held-out";
export { informationBits, LEAST_BITS } from "./information";
export { type LightCurve, lightCurveSpectrum } from "./light-curve";
export { lombScargle } from "./lomb-scargle";
export { type ModelContents, saveModelFile } from "./model-file";
export { type OpenedModel, openModel } from "./open-model";
export { type Posterior, posteriorOf, quantile, softmax } from "./posteriors";
export { type Network, type Prediction, type PredictOptions, predictSpectra } from "./predict";
export { predictionCsv, predictionTable } from "./report";
export { type Resampled, resampleSpectrum, type Spectrum } from "./resample";
export { EXAMPLE_STARS_FOLDER, SHIPPED_MODEL, SHIPPED_MODEL_FOLDER } from "./shipped";
export { type InputGrid, type ReadOptions, readStars, type StarSpectrum } from "./spectrum-file";
export { readInputs } from "./spectrum-inputs";
export { parseSpectrumText } from "./spectrum-text";
