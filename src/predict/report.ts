/** Predictions as a table for people and as CSV for programs. */

import { type HeadName, isHeadName, PARAMETERS } from "../data/parameters";
import type { Posterior } from "./posteriors";
import type { Prediction } from "./predict";

/** One block per star: a line per parameter with median, 68 % and 95 % interval and most probable class. */
export function predictionTable(predictions: readonly Prediction[]): string {
  return predictions.map(starBlock).join("\n");
}

/**
 * A header line, then one line per star: seven numbers and whether it is identifiable per parameter, then whether
 * oscillations are detected, whether the star is unusual, and the classical numax and dnu. What is not known is empty.
 */
export function predictionCsv(predictions: readonly Prediction[]): string {
  const heads = entriesOf(predictions[0]).map(([head]) => head);
  const header = ["input", ...heads.flatMap((head) => SUFFIXES.map((suffix) => `${head}_${suffix}`)), ...STAR_COLUMNS];
  const number = (value: number): string => String(Number(value.toPrecision(7)));
  const maybe = <T>(value: T | null | undefined, show: (value: T) => string = String): string =>
    value === null || value === undefined ? "" : show(value);
  const lines = predictions.map((prediction) => {
    const { detection, unusual, classical } = prediction;
    const parameters = entriesOf(prediction).flatMap(
      ([, { mean, median, mode, interval68, interval95, identifiable }]) => [
        ...[mean, median, mode, ...interval68, ...interval95].map(number),
        maybe(identifiable),
      ],
    );
    const star = [
      maybe(detection?.detected),
      maybe(unusual),
      maybe(classical?.numax, number),
      maybe(classical?.dnu, number),
    ];
    return [quote(prediction.input), ...parameters, ...star].join(",");
  });
  return `${[header.join(","), ...lines].join("\n")}\n`;
}

const SUFFIXES = ["mean", "median", "mode", "lower68", "upper68", "lower95", "upper95", "identifiable"];
const STAR_COLUMNS = ["detected", "unusual", "classical_numax", "classical_dnu"];

function starBlock({ input, parameters, notes, detection, unusual }: Prediction): string {
  const rows = entriesOf({ parameters }).map(([head, posterior]) => {
    const { median, interval68, interval95, mode, unit } = posterior;
    const digits = decimals(interval68[1] - interval68[0]);
    // Adding 0 to a rounded value turns -0 into 0.
    const show = (value: number): string => (Number(value.toFixed(digits)) + 0).toFixed(digits);
    return [
      head,
      PARAMETERS[head].symbol,
      show(median),
      around(median, interval68).map(show).join(" .. "),
      around(median, interval95).map(show).join(" .. "),
      show(mode),
      unit,
      posterior.identifiable === false ? "not identifiable" : "",
    ];
  });
  const table = [["", "", "median", "68 %", "95 %", "mode", "unit", ""], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column < 2 || column > 5 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
  const warnings = [
    ...(detection?.detected === false ? [`  NO DETECTION: ${detection.reason}`] : []),
    ...(unusual ? ["  UNUSUAL: the star looks unlike those that the network was trained on"] : []),
  ];
  const remarks = notes.map((note) => `  (${note})`);
  return `${[input, ...remarks, ...warnings, ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}

/** A phase's interval about its median: where it runs through 0, from below 0. */
function around(median: number, [low, high]: readonly [number, number]): readonly number[] {
  return low > median ? [low - 1, high - 1] : [low, high];
}

/** Decimal places that show two digits of an uncertainty. */
function decimals(width: number): number {
  return width > 0 ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(width)))) : 3;
}

function entriesOf(prediction: Pick<Prediction, "parameters"> | undefined): [HeadName, Posterior][] {
  return Object.entries(prediction?.parameters ?? {}).filter((entry): entry is [HeadName, Posterior] =>
    isHeadName(entry[0]),
  );
}

function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
