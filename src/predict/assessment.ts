/** How good a network's answers are, head by head and by ranges of dnu and snr, with what the prior alone would reach. */

import { classOfValue } from "../data/classes";
import { median } from "../data/median";
import { type HeadName, PARAMETERS } from "../data/parameters";
import { shorterWay } from "../data/phases";
import { type Calibration, calibrationAt, type IntervalMasses, PLAIN_MASSES } from "./calibrated";
import { type Coverage, coverageOf, positionOf, type Reliability, reliabilityOf } from "./coverage";
import { allRows, type HeldOut, logitsOfRow, oversamplingOfRow } from "./held-out";
import { informationBits, isIdentifiable } from "./information";
import { type Posterior, posteriorOf } from "./posteriors";

/** Means over rows; estimates and errors in the parameter's unit, around the circle for a phase. */
export interface Scores extends Coverage {
  readonly rows: number;
  /** Negative log-likelihood of the true class. */
  readonly loss: number;
  /** The part of the rows whose most probable class is the true one, and that where it is at most its neighbour. */
  readonly accuracy: number;
  readonly accuracy_within_one: number;
  /** Mean absolute error of the posterior's mean. */
  readonly mae: number;
  /** Of the posterior's median, relative to the true value; null for phases and for a3, which may be 0. */
  readonly median_relative_error: number | null;
  readonly within_3_percent: number | null;
  readonly within_5_percent: number | null;
  /** Mean information about the parameter, bits, and the part of the rows in which it is identifiable. */
  readonly information_bits: number;
  readonly identifiable: number;
  /** What the class frequencies of these rows, the same answer for every star, would reach. */
  readonly prior_loss: number;
  readonly prior_accuracy: number;
  readonly prior_mae: number;
}

/** Rows whose posterior median of a parameter lies in [from, to). */
export interface BinScores extends Scores {
  readonly from: number;
  readonly to: number;
}

/** How good the answers for one parameter are, over all rows and in parts of them. */
export interface HeadAssessment extends Scores {
  /** Of the rows in which the network calls the parameter identifiable; null without any. */
  readonly where_identifiable: Pick<Scores, "rows" | "loss" | "prior_loss"> | null;
  readonly reliability: Reliability;
  /**
   * By ranges of what the network says about dnu and snr, where it has these heads; ranges without rows are left out. The
   * truth is not known of a real star, and in ranges of it not even perfect posteriors cover what they promise.
   */
  readonly bins: Readonly<Partial<Record<"dnu" | "snr", readonly BinScores[]>>>;
}

/** Where the ranges end: dnu in µHz (clump stars between 3.5 and 5), snr the height-to-background ratio. */
export const BIN_EDGES = {
  dnu: [0, 3.5, 5, 9, Infinity],
  snr: [0, 10, 25, 60, Infinity],
} as const;

/** Which rows are assessed, and with which calibration. */
export interface AssessOptions {
  /** Default: all. */
  readonly rows?: Uint32Array;
  /** Applied to the logits; null: they are taken as they are. */
  readonly calibration: Calibration | null;
}

/** Assesses a network's answers against the truth. */
export function assess(heldOut: HeldOut, options: AssessOptions): Map<HeadName, HeadAssessment> {
  const { calibration, rows = allRows(heldOut.rows) } = options;
  const heads = [...heldOut.classEdges.keys()];
  const calibrations = Array.from(
    rows,
    (row) => calibration && calibrationAt(calibration, oversamplingOfRow(heldOut, row)),
  );
  const answers = new Map(heads.map((head, column) => [head, answersOf(heldOut, head, column, rows, calibrations)]));
  return new Map(
    heads.map((head) => {
      const own = answers.get(head)!;
      const bins = Object.fromEntries(
        (["dnu", "snr"] as const).flatMap((by) => {
          const medians = answers.get(by)?.map(({ median }) => median);
          return medians ? [[by, binScores(head, own, BIN_EDGES[by], medians)]] : [];
        }),
      );
      const positions = own.map(({ position }) => position);
      const reliability = reliabilityOf(positions);
      const where_identifiable = identifiableScores(head, own);
      return [head, { ...scoresOf(head, own), where_identifiable, reliability, bins }];
    }),
  );
}

/** What one posterior is worth, given the truth. */
interface Answer {
  readonly median: number;
  readonly loss: number;
  readonly classesOff: number;
  readonly error: number;
  readonly relativeError: number;
  readonly position: number;
  /** The parts of the posterior that its intervals take. */
  readonly masses: IntervalMasses;
  readonly bits: number;
  readonly priorLoss: number;
  readonly priorClassesOff: number;
  readonly priorError: number;
}

/**
 * @param column of the head among the network's
 * @param calibrations of each of `rows`
 */
function answersOf(
  heldOut: HeldOut,
  head: HeadName,
  column: number,
  rows: Uint32Array,
  calibrations: readonly (Calibration | null)[],
): Answer[] {
  const edges = heldOut.classEdges.get(head)!;
  const indexOf = (row: number): number => row * heldOut.classEdges.size + column;
  const labels = Int32Array.from(rows, (row) => heldOut.labels[indexOf(row)]!);
  const prior = calibrations[0]?.prior.get(head) ?? frequencies(labels, edges.length - 1);
  const priorAnswer = posteriorOf(head, prior.map(Math.log), edges);
  return Array.from(rows, (row, index) => {
    const calibration = calibrations[index]!;
    const posterior = posteriorOf(head, logitsOfRow(heldOut, head, row), edges, { calibration });
    const truth = { label: labels[index]!, value: heldOut.values[indexOf(row)]!, row };
    const masses = calibration?.intervalMasses.get(head) ?? PLAIN_MASSES;
    return { ...answerOf(head, posterior, edges, prior, priorAnswer, truth), masses };
  });
}

function answerOf(
  head: HeadName,
  posterior: Posterior,
  edges: Float64Array,
  prior: Float64Array,
  priorAnswer: Posterior,
  { label, value, row }: { readonly label: number; readonly value: number; readonly row: number },
): Omit<Answer, "masses"> {
  const { isCircular } = PARAMETERS[head];
  const probabilities = Float64Array.from(posterior.probabilities);
  const distance = (estimate: number): number => Math.abs(isCircular ? shorterWay(estimate - value) : estimate - value);
  const classesOff = (mode: number): number => {
    const apart = Math.abs(classOfValue(mode, edges) - label);
    return isCircular ? Math.min(apart, probabilities.length - apart) : apart;
  };
  return {
    median: posterior.median,
    // A probability below the smallest double counts as that, so that one such row does not make the mean infinite.
    loss: -Math.log(Math.max(probabilities[label]!, Number.MIN_VALUE)),
    classesOff: classesOff(posterior.mode),
    error: distance(posterior.mean),
    relativeError: Math.abs(posterior.median / value - 1),
    position: positionOf(head, probabilities, edges, value, row),
    bits: informationBits(probabilities, prior),
    priorLoss: -Math.log(prior[label]!),
    priorClassesOff: classesOff(priorAnswer.mode),
    priorError: distance(priorAnswer.mean),
  };
}

function scoresOf(head: HeadName, answers: readonly Answer[]): Scores {
  const mean = (of: (answer: Answer) => number): number =>
    answers.reduce((sum, answer) => sum + of(answer), 0) / answers.length;
  const share = (is: (answer: Answer) => boolean): number => mean((answer) => (is(answer) ? 1 : 0));
  const isRatioScale = !PARAMETERS[head].isCircular && head !== "a3";
  const relative = <T>(of: () => T): T | null => (isRatioScale ? of() : null);
  return {
    rows: answers.length,
    loss: mean(({ loss }) => loss),
    accuracy: share(({ classesOff }) => classesOff === 0),
    accuracy_within_one: share(({ classesOff }) => classesOff <= 1),
    mae: mean(({ error }) => error),
    median_relative_error: relative(() => median(Float64Array.from(answers, ({ relativeError }) => relativeError))),
    within_3_percent: relative(() => share(({ relativeError }) => relativeError <= 0.03)),
    within_5_percent: relative(() => share(({ relativeError }) => relativeError <= 0.05)),
    ...coverageOf(answers),
    information_bits: mean(({ bits }) => bits),
    identifiable: share(({ bits }) => isIdentifiable(bits)),
    prior_loss: mean(({ priorLoss }) => priorLoss),
    prior_accuracy: share(({ priorClassesOff }) => priorClassesOff === 0),
    prior_mae: mean(({ priorError }) => priorError),
  };
}

function identifiableScores(head: HeadName, answers: readonly Answer[]): HeadAssessment["where_identifiable"] {
  const told = answers.filter(({ bits }) => isIdentifiable(bits));
  if (told.length === 0) return null;
  const { rows, loss, prior_loss } = scoresOf(head, told);
  return { rows, loss, prior_loss };
}

function binScores(
  head: HeadName,
  answers: readonly Answer[],
  edges: readonly number[],
  medians: readonly number[],
): BinScores[] {
  return edges.slice(1).flatMap((to, index) => {
    const from = edges[index]!;
    const inside = answers.filter((_, row) => medians[row]! >= from && medians[row]! < to);
    return inside.length === 0 ? [] : [{ from, to, ...scoresOf(head, inside) }];
  });
}

function frequencies(labels: Int32Array, classes: number): Float64Array {
  const counts = new Float64Array(classes).fill(1);
  for (const label of labels) counts[label]!++;
  return counts.map((count) => count / (labels.length + classes));
}
