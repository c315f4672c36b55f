/** Adam with the state that a checkpoint holds. */

import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { adamUpdate } from "../engine/update";
import type { ScheduleValue } from "./schedule";

/** Moments by parameter name, and the updates taken. */
export interface AdamState {
  readonly step: number;
  readonly firstMoments: ReadonlyMap<string, Float32Array>;
  readonly secondMoments: ReadonlyMap<string, Float32Array>;
}

export const BETA2 = 0.999;
export const EPSILON = 1e-8;

/** Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1) in PyTorch's arithmetic; beta1 may change from step to step. */
export class Adam {
  private updates = 0;
  private readonly names: readonly string[];
  private readonly parameters: readonly Variable[];
  private readonly firstMoments: readonly Variable[];
  private readonly secondMoments: readonly Variable[];

  constructor(parameters: ReadonlyMap<string, Variable>) {
    this.names = [...parameters.keys()];
    this.parameters = [...parameters.values()];
    const zeros = (): Variable[] =>
      this.parameters.map(({ shape }) => tf.tidy(() => tf.variable(tf.zeros(shape), false)));
    this.firstMoments = zeros();
    this.secondMoments = zeros();
  }

  /** Updates taken so far. */
  get step(): number {
    return this.updates;
  }

  /**
   * Changes the parameters in place.
   *
   * @param gradients in the parameters' order
   * @param gradientScale multiplies every gradient: the clipping coefficient, or 1
   */
  update(gradients: readonly Tensor[], { learningRate, beta1 }: ScheduleValue, gradientScale: number): void {
    this.updates++;
    adamUpdate({
      parameters: this.parameters,
      gradients,
      firstMoments: this.firstMoments,
      secondMoments: this.secondMoments,
      step: this.updates,
      learningRate,
      beta1,
      beta2: BETA2,
      epsilon: EPSILON,
      gradientScale,
    });
  }

  /** A copy of everything that the next update depends on. */
  state(): AdamState {
    const copies = (variables: readonly Variable[]): Map<string, Float32Array> =>
      new Map(this.names.map((name, index) => [name, (variables[index]!.dataSync() as Float32Array).slice()]));
    return {
      step: this.updates,
      firstMoments: copies(this.firstMoments),
      secondMoments: copies(this.secondMoments),
    };
  }

  /**
   * Takes over a stored state.
   *
   * @throws RangeError when a parameter's moments are missing or of another size.
   */
  load(state: AdamState): void {
    const assign = (kind: string, variables: readonly Variable[], moments: ReadonlyMap<string, Float32Array>): void => {
      this.names.forEach((name, index) => {
        const variable = variables[index]!;
        const values = moments.get(name);
        if (values?.length !== variable.size) {
          const found = values === undefined ? "none" : `${values.length} numbers`;
          throw new RangeError(
            `Cannot load the optimizer: the ${kind} moments of ${name} need ${variable.size} numbers, got ${found}`,
          );
        }
        tf.tidy(() => variable.assign(tf.tensor(Float32Array.from(values), variable.shape)));
      });
    };
    assign("first", this.firstMoments, state.firstMoments);
    assign("second", this.secondMoments, state.secondMoments);
    this.updates = state.step;
  }

  dispose(): void {
    for (const variable of [...this.firstMoments, ...this.secondMoments]) variable.dispose();
  }
}
