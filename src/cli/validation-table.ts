/** Validation results as lines of text. */

import { type HeadName, PARAMETERS } from "../data/parameters";
import type { Evaluation } from "../train/evaluate";

/** One line per parameter, and the total loss beside that of the prior alone. */
export function validationTable({ loss, rows, parameters }: Evaluation, baselineLoss: number): string[] {
  const lines = [row("parameter", "", "loss", "accuracy", "mean absolute error")];
  for (const [name, scores] of Object.entries(parameters)) {
    const { symbol, unit } = PARAMETERS[name as HeadName];
    const accuracy = `${(100 * scores.accuracy).toFixed(1)} %`;
    lines.push(row(name, symbol, scores.loss.toFixed(4), accuracy, `${scores.mae.toPrecision(3)} ${unit}`));
  }
  lines.push(
    `validation loss ${loss.toFixed(4)} over ${rows} spectra; predicting the prior alone: ${baselineLoss.toFixed(4)}`,
  );
  return lines;
}

function row(name: string, symbol: string, loss: string, accuracy: string, error: string): string {
  return `${name.padEnd(10)} ${symbol.padEnd(9)} ${loss.padStart(8)} ${accuracy.padStart(9)}  ${error}`.trimEnd();
}
