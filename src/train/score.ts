/** How good the outputs of one head are: loss, class and distance to the true value, row by row in float64. */

import type { Loss } from "../config";
import { classOfValue } from "../data/classes";
import { type HeadName, PARAMETERS } from "../data/parameters";
import { ClassMean, shorterWay } from "../data/phases";
import { MIN_VARIANCE } from "../model/loss";
import { scaleToRange } from "./targets";

/** Means over the rows of an evaluation. */
export interface HeadScores {
  readonly loss: number;
  /** The part of the rows whose most probable class is the true one. */
  readonly accuracy: number;
  /** Mean absolute error of the estimate, in the parameter's unit; around the circle for a phase. */
  readonly mae: number;
}

/** What a head says about one row. */
export interface RowScore {
  readonly loss: number;
  readonly predictedClass: number;
  /** The mean of the class probabilities, or the regression's value, in the parameter's unit. */
  readonly estimate: number;
}

/** The sums behind a head's scores; sums of several ranks can be added. */
export class HeadTally {
  rows = 0;
  lossSum = 0;
  correct = 0;
  errorSum = 0;
  private readonly mean: ClassMean;
  private readonly isCircular: boolean;

  constructor(
    head: HeadName,
    private readonly loss: Loss,
    private readonly edges: Float64Array,
  ) {
    this.isCircular = PARAMETERS[head].isCircular;
    this.mean = new ClassMean(edges, this.isCircular);
  }

  /**
   * Scores one row and adds it to the sums.
   *
   * @param outputs the head's outputs for the row, as `Model.forward` gives them
   * @param label the true class
   * @param value the true value, in the parameter's unit
   */
  add(outputs: ArrayLike<number>, label: number, value: number): RowScore {
    const score =
      this.loss === "sparse_categorical_crossentropy" ? this.classes(outputs, label) : this.value(outputs, value);
    const difference = score.estimate - value;
    this.rows++;
    this.lossSum += score.loss;
    this.correct += score.predictedClass === label ? 1 : 0;
    this.errorSum += Math.abs(this.isCircular ? shorterWay(difference) : difference);
    return score;
  }

  means(): HeadScores {
    return { loss: this.lossSum / this.rows, accuracy: this.correct / this.rows, mae: this.errorSum / this.rows };
  }

  private classes(logits: ArrayLike<number>, label: number): RowScore {
    let best = 0;
    for (let index = 1; index < logits.length; index++) if (logits[index]! > logits[best]!) best = index;
    const largest = logits[best]!;
    const weights = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return {
      loss: Math.log(sum) + largest - logits[label]!,
      predictedClass: best,
      estimate: this.mean.of(weights),
    };
  }

  private value(outputs: ArrayLike<number>, value: number): RowScore {
    const square = (outputs[0]! - scaleToRange(value, this.edges)) ** 2;
    // As it is: its exponential may be more than a number holds.
    const logVariance = this.loss === "gaussian_nll" ? Math.max(outputs[1]!, Math.log(MIN_VARIANCE)) : 0;
    const first = this.edges[0]!;
    const estimate = first + (this.edges.at(-1)! - first) * outputs[0]!;
    return {
      loss: this.loss === "gaussian_nll" ? (logVariance + square * Math.exp(-logVariance)) / 2 : square,
      predictedClass: classOfValue(estimate, this.edges),
      estimate,
    };
  }
}
