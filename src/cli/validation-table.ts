/** Validation results as lines of text. */

import { type HeadName, PARAMETERS } from "../data/parameters";
import type { HeadAssessment, Scores } from "../predict/assessment";
import type { ClassicalErrors, ClassicalScores } from "../predict/classical-assessment";
import type { Evaluation } from "../train/evaluate";

/** One line per parameter, and the total loss beside that of the prior alone: networks that give values. */
export function validationTable({ loss, rows, parameters }: Evaluation, baselineLoss: number): string[] {
  const header = ["parameter", "", "loss", "accuracy", "mean abs. error"];
  const lines = Object.entries(parameters).map(([head, scores]) => [
    ...nameOf(head as HeadName),
    scores.loss.toFixed(4),
    percent(scores.accuracy),
    withUnit(scores.mae, head as HeadName),
  ]);
  return [...align([header, ...lines]), totalLine(loss, baselineLoss, rows)];
}

/**
 * One line per parameter: negative log-likelihood and that of the prior, top-1, top-1 within one class, mean absolute
 * error and the prior's, median relative error, coverage of the 68 % and 95 % intervals, stars it is identifiable in.
 */
export function assessmentTable(parameters: ReadonlyMap<HeadName, HeadAssessment>): string[] {
  const lines = [...parameters].map(([head, scores]) => [...nameOf(head), ...cells(scores, head)]);
  const total = (of: (scores: Scores) => number): number => [...parameters.values()].reduce((sum, s) => sum + of(s), 0);
  const [first] = parameters.values();
  return [
    ...align([["parameter", "", ...HEADINGS], ...lines]),
    totalLine(
      total(({ loss }) => loss),
      total(({ prior_loss }) => prior_loss),
      first!.rows,
    ),
  ];
}

/** The lowest and the highest coverage over parameters, and over their ranges of dnu and snr with enough stars. */
export function coverageLines(parameters: ReadonlyMap<HeadName, HeadAssessment>): string[] {
  const all = [...parameters.values()];
  const bins = all.flatMap((scores) => [...(scores.bins.dnu ?? []), ...(scores.bins.snr ?? [])]);
  const large = bins.filter(({ rows }) => rows >= LEAST_STARS);
  const span = (scores: readonly Scores[], of: (scores: Scores) => number): string => {
    const shares = scores.map(of);
    return `${percent(Math.min(...shares))} to ${percent(Math.max(...shares))}`;
  };
  return (["coverage68", "coverage95"] as const).map((level) => {
    const byRange = large.length > 0 ? ` (in ranges of dnu and snr ${span(large, (scores) => scores[level])})` : "";
    return `${level.slice(-2)} % intervals cover ${span(all, (scores) => scores[level])}${byRange}`;
  });
}

/** Fewer stars tell a share of 68 % to no better than 2 %. */
const LEAST_STARS = 500;

/** The same figures by ranges of what the network says about dnu and snr. */
export function binTables(parameters: ReadonlyMap<HeadName, HeadAssessment>): string[] {
  return (["dnu", "snr"] as const).flatMap((by) => {
    const lines = [...parameters].flatMap(([head, { bins }]) =>
      (bins[by] ?? []).map((bin) => [
        ...nameOf(head),
        bin.to === Infinity ? `from ${bin.from}` : `${bin.from} to ${bin.to}`,
        String(bin.rows),
        ...cells(bin, head),
      ]),
    );
    const { symbol, unit } = PARAMETERS[by];
    const range = unit === "" ? symbol : `${symbol} (${unit})`;
    return lines.length === 0 ? [] : ["", ...align([["parameter", "", range, "stars", ...HEADINGS], ...lines])];
  });
}

/** What the classical estimators reach on the stars in which they find oscillations. */
export function classicalLines({ detected, dnu, numax }: ClassicalScores, rows: number): string[] {
  const line = (name: string, { median_relative_error, within_3_percent, within_5_percent }: ClassicalErrors): string =>
    `  ${name.padEnd(5)}  median error ${percent(median_relative_error, 2)}, within 3 % ${percent(within_3_percent)}, ` +
    `within 5 % ${percent(within_5_percent)}`;
  const head = `without a network (autocorrelation, Gaussian fit), where oscillations are found (${percent(detected)} of ${rows}):`;
  return [head, line("dnu", dnu), line("numax", numax)];
}

const HEADINGS = ["NLL", "prior's", "top-1", "+-1", "MAE", "prior's", "med. rel.", "68 %", "95 %", "identif."];

function cells(scores: Scores, head: HeadName): string[] {
  return [
    scores.loss.toFixed(3),
    scores.prior_loss.toFixed(3),
    percent(scores.accuracy),
    percent(scores.accuracy_within_one),
    withUnit(scores.mae, head),
    scores.prior_mae.toPrecision(3),
    scores.median_relative_error === null ? "" : percent(scores.median_relative_error, 2),
    percent(scores.coverage68),
    percent(scores.coverage95),
    percent(scores.identifiable, 0),
  ];
}

function totalLine(loss: number, baselineLoss: number, rows: number): string {
  return `validation loss ${loss.toFixed(4)} over ${rows} spectra; predicting the prior alone: ${baselineLoss.toFixed(4)}`;
}

function nameOf(head: HeadName): [string, string] {
  return [head, PARAMETERS[head].symbol];
}

function withUnit(value: number, head: HeadName): string {
  return `${value.toPrecision(3)} ${PARAMETERS[head].unit}`.trimEnd();
}

function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Columns of equal width; the first two flush left. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
