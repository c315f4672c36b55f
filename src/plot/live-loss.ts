/** The loss figure of a training run, redrawn below its cell while the run goes. */

import { type FigureDisplay, newFigureDisplay } from "./display";
import type { Figure } from "./figure";
import { type TrainingFigureOptions, type TrainingPoint, trainingFigure } from "./training-figure";

/** How a live figure looks, and how often it is drawn. */
export interface LiveLossOptions extends TrainingFigureOptions {
  /** The least time between two drawings: drawing takes time from training. */
  readonly intervalMs?: number;
  /** Where it is drawn; default: below the cell that is running. */
  readonly display?: FigureDisplay;
}

/** A figure that is drawn again while a run goes on. */
export interface LiveLoss {
  /** Takes a step or a validation in; other events are ignored, so it can be a run's `onEvent` as it stands. */
  readonly update: (event: TrainingPoint | { readonly kind: string }) => void;
  /** Draws what has come in since the last drawing; returns the figure. */
  readonly finish: () => Figure;
}

const INTERVAL_MS = 2000;

/** A live figure: `const live = liveLoss(); await train(config, { ..., onEvent: live.update }); live.finish();` */
export function liveLoss(options: LiveLossOptions = {}): LiveLoss {
  const { intervalMs = INTERVAL_MS, display = newFigureDisplay() } = options;
  const points: TrainingPoint[] = [];
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = (): Figure => {
    const figure = trainingFigure(points, options);
    display.show(figure);
    drawnAt = performance.now();
    return figure;
  };
  return {
    update(event) {
      if (!isTrainingPoint(event)) return;
      points.push(event);
      // A single point makes no curve.
      if (points.length > 1 && performance.now() - drawnAt >= intervalMs) draw();
    },
    finish: draw,
  };
}

function isTrainingPoint(event: TrainingPoint | { readonly kind: string }): event is TrainingPoint {
  return event.kind === "train" || event.kind === "validation";
}
