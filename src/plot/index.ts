/** Figures: plotly JSON with a paper's defaults, static pictures of them, and how a notebook shows both. */

export { figureBundle } from "./bundle";
export { type ConfusionFigureOptions, confusionCounts, confusionFigure } from "./confusion-figure";
export { type FigureDisplay, isInNotebook, newFigureDisplay, show } from "./display";
export { downsample } from "./downsample";
export { type EchelleFigureOptions, echelleFigure, echelleModulo } from "./echelle-figure";
export { createFigure, type Figure, PALETTE, symbolOf } from "./figure";
export { type GridOptions, gridFigure } from "./grid-figure";
export { classHistogramFigure, type HistogramFigureOptions } from "./histogram-figure";
export { type HtmlReportOptions, htmlReport, writeHtmlReport } from "./html-report";
export { type LiveLoss, type LiveLossOptions, liveLoss } from "./live-loss";
export { maybeRenderPng } from "./png";
export { type PredictionFigureOptions, predictionFigure } from "./prediction-figure";
export { type ReliabilityFigureOptions, reliabilityFigure } from "./reliability-figure";
export { type ScalingPoint, scalingFigure } from "./scaling-figure";
export { type SpectrumFigureOptions, spectrumFigure } from "./spectrum-figure";
export { type StarFigureOptions, starFigureSvg } from "./star-figure";
export { posteriorFigure, starEchelleFigure, starSpectrumFigure } from "./star-panels";
export { summarizeFigure } from "./summary";
export { renderSvg } from "./svg/render";
export { type TrainingFigureOptions, type TrainingPoint, trainingFigure } from "./training-figure";
export { type MarkedMode, visibleModes } from "./visible-modes";
