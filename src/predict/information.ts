/** How much a spectrum tells about a parameter. */

/**
 * The information that a posterior holds beyond the prior, in bits: the Kullback-Leibler divergence
 * Σ p log2(p / prior) (Kullback & Leibler 1951, Ann. Math. Stat. 22, 79).
 *
 * @param probabilities [classes]
 * @param prior [classes], above 0 throughout
 */
export function informationBits(probabilities: ArrayLike<number>, prior: ArrayLike<number>): number {
  let bits = 0;
  for (let index = 0; index < probabilities.length; index++) {
    const probability = probabilities[index]!;
    if (probability > 0) bits += probability * Math.log2(probability / prior[index]!);
  }
  return bits;
}

/** Less information leaves a parameter unidentified: half a bit narrows a Gaussian prior to 71 % of its width. */
export const LEAST_BITS = 0.5;

/** Whether a posterior of that much information says something about the parameter. */
export function isIdentifiable(bits: number): boolean {
  return bits >= LEAST_BITS;
}
