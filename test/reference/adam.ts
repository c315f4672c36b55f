/** torch.optim.Adam (no weight decay, no amsgrad) in double precision. */

export interface AdamState {
  readonly parameter: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
}

export interface AdamScalars {
  readonly step: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly gradientScale: number;
}

/** Changes the state in place. */
export function adam(state: AdamState, gradient: Float64Array, scalars: AdamScalars): void {
  const { step, learningRate, beta1, beta2, epsilon, gradientScale } = scalars;
  const { parameter, first, second } = state;
  for (let i = 0; i < parameter.length; i++) {
    const g = gradient[i]! * gradientScale;
    first[i] = beta1 * first[i]! + (1 - beta1) * g;
    second[i] = beta2 * second[i]! + (1 - beta2) * g * g;
    const corrected = Math.sqrt(second[i]!) / Math.sqrt(1 - beta2 ** step) + epsilon;
    parameter[i]! -= ((learningRate / (1 - beta1 ** step)) * first[i]!) / corrected;
  }
}
