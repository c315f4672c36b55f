/** The sinusoidal position code that `pos_enc` adds to the sequence entering the LSTMs. */

/**
 * Code of `steps` positions in `channels` dimensions (Vaswani et al. 2017, arXiv:1706.03762, section 3.5):
 * sin(t / 10000^(2i/channels)) in the even dimensions 2i, the cosine of the same angle in the odd ones.
 *
 * @returns [steps * channels], position by position.
 */
export function positionCode(steps: number, channels: number): Float32Array {
  const code = new Float32Array(steps * channels);
  for (let position = 0; position < steps; position++) {
    for (let channel = 0; channel < channels; channel++) {
      const angle = position / 10000 ** ((channel - (channel % 2)) / channels);
      code[position * channels + channel] = channel % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return code;
}
