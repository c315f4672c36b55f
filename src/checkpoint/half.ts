/** Widens PyTorch's 16-bit floats to float32, exactly. */

/** IEEE 754 binary16, as raw bits, to float32; subnormals, infinities and NaN included. */
export function widenFloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const mantissa = half & 0x3ff;
    if (exponent === 0x1f) {
      wide[i] = sign | 0x7f800000 | (mantissa << 13);
    } else if (exponent > 0) {
      wide[i] = sign | ((exponent + 127 - 15) << 23) | (mantissa << 13);
    } else if (mantissa > 0) {
      // A subnormal half is a normal float: shift until the leading one is the hidden bit.
      const shift = Math.clz32(mantissa) - 21;
      wide[i] = sign | ((127 - 15 + 1 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
    } else {
      wide[i] = sign;
    }
  }
  return new Float32Array(wide.buffer);
}

/** bfloat16, as raw bits, to float32: its upper half. */
export function widenBfloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i]! << 16;
  return new Float32Array(wide.buffer);
}
