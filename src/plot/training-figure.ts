/** Loss and learning rate of a run against its optimizer steps. */

import { downsample } from "./downsample";
import { createFigure, type Figure, PALETTE, type Trace } from "./figure";

/** One optimizer step; the records of `metrics.jsonl` fit. */
export interface StepPoint {
  readonly kind: "train";
  readonly step: number;
  readonly loss: number;
  readonly learning_rate: number;
}

/** One validation; the records of `metrics.jsonl` fit. */
export interface ValidationPoint {
  readonly kind: "validation";
  readonly step: number;
  readonly loss: number;
  /** Loss of predicting the class frequencies. */
  readonly baseline_loss?: number;
}

/** A point of a training curve: an optimizer step, or a validation. */
export type TrainingPoint = StepPoint | ValidationPoint;

/** How the curves of a run are drawn. */
export interface TrainingFigureOptions {
  readonly title?: string;
  readonly maxPoints?: number;
}

const MAX_POINTS = 1500;

/** Above: loss per step, validation loss and the baseline to beat. Below: the learning rate. */
export function trainingFigure(points: readonly TrainingPoint[], options: TrainingFigureOptions = {}): Figure {
  const { title = "Training", maxPoints = MAX_POINTS } = options;
  const steps = points.filter((point): point is StepPoint => point.kind === "train");
  const validations = points.filter((point): point is ValidationPoint => point.kind === "validation");
  const stepNumbers = steps.map(({ step }) => step);
  const losses = steps.map(({ loss }) => loss);
  const rates = steps.map((point) => point.learning_rate);
  const data: Trace[] = [
    {
      type: "scatter",
      mode: "lines",
      name: "training",
      ...downsample(stepNumbers, losses, maxPoints),
      line: { color: PALETTE.sky, width: 1.2 },
    },
  ];
  if (validations.length > 0) {
    data.push({
      type: "scatter",
      mode: "lines+markers",
      name: "validation",
      x: validations.map(({ step }) => step),
      y: validations.map(({ loss }) => loss),
      line: { color: PALETTE.vermillion, width: 1.8 },
      marker: { color: PALETTE.vermillion, size: 6 },
    });
  }
  const baseline = validations.at(-1)?.baseline_loss;
  const lastStep = points.reduce((last, { step }) => Math.max(last, step), 1);
  if (baseline !== undefined) {
    data.push({
      type: "scatter",
      mode: "lines",
      name: "baseline: class frequencies",
      x: [0, lastStep * 1.015],
      y: [baseline, baseline],
      line: { color: PALETTE.black, width: 1.2, dash: "dash" },
    });
  }
  data.push({
    type: "scatter",
    mode: "lines",
    name: "learning rate",
    ...downsample(stepNumbers, rates, maxPoints),
    line: { color: PALETTE.green, width: 1.5 },
    yaxis: "y2",
    showlegend: false,
  });
  return createFigure(data, {
    title: { text: title },
    height: 480,
    xaxis: { title: { text: "Optimizer step" }, range: [0, lastStep * 1.015], anchor: "y2" },
    yaxis: { title: { text: "Loss, summed over heads" }, domain: [0.34, 1] },
    yaxis2: { title: { text: "Learning rate" }, domain: [0, 0.26] },
  });
}
