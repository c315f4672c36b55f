// exp, log, tanh and the logistic function on the vectors of simd.h, accurate to about 2 units in
// the last place, with IEEE results for NaN, infinities and zeros. Include it only in `*_isa.cc`.
//
// Range reductions and polynomials: Moshier, Cephes (expf, logf), minimax in single precision.
#pragma once

#include "simd.h"

namespace asterolab::ASTEROLAB_ISA {

static inline VecI bits(Vec v) {
  VecI i;
  std::memcpy(&i, &v, sizeof i);
  return i;
}
static inline Vec from_bits(VecI i) {
  Vec v;
  std::memcpy(&v, &i, sizeof v);
  return v;
}
static inline VecI splat_i(int32_t s) { return s - VecI{}; }

/// 2^n for n in [-126, 127].
static inline Vec power_of_two(VecI n) { return from_bits((n + 127) << 23); }

/// x = n ln 2 + r with |r| <= ln 2 / 2, and e^r - 1. NaN stays in the result.
struct Reduced {
  VecI n;
  Vec expm1_r;
};
static inline Reduced reduce(Vec x) {
  const float to_integer = 12582912.f;  // 1.5 * 2^23: adding it rounds to the nearest integer
  const Vec shifted = x * 1.44269504088896341f + to_integer;
  const Vec n = shifted - to_integer;
  const Vec r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return {bits(shifted) - bits(splat(to_integer)), p * (r * r) + r};
}

/// e^x; 0 below -104, infinity above 88.73, subnormal results included.
static inline Vec exp(Vec x) {
  const Vec low = splat(-104.f), high = splat(89.f);
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Reduced e = reduce(x);
  // Two factors, since 2^n alone leaves the range of normal numbers at both ends.
  const VecI half = e.n >> 1;
  return (e.expm1_r + 1.f) * power_of_two(half) * power_of_two(e.n - half);
}

/// 1 / (1 + e^-x).
static inline Vec sigmoid(Vec x) { return 1.f / (1.f + exp(-x)); }

/// |tanh x| = |m| / (m + 2) with m = e^(-2 |x|) - 1, which keeps small x exact.
static inline Vec tanh(Vec x) {
  const VecI sign = bits(x) & splat_i(INT32_MIN);
  Vec y = from_bits(bits(x) & splat_i(INT32_MAX));
  const Vec limit = splat(10.f);  // tanh rounds to 1 from 9.02 on
  y = y > limit ? limit : y;
  const Reduced e = reduce(y * -2.f);
  const Vec scale = power_of_two(e.n);
  const Vec m = e.expm1_r * scale + (scale - 1.f);
  return from_bits((bits(m / (m + 2.f)) & splat_i(INT32_MAX)) | sign);
}

/// Natural logarithm: -infinity at 0, NaN below.
static inline Vec log(Vec x) {
  const Vec smallest_normal = splat(1.17549435e-38f);
  const VecI tiny = x < smallest_normal;
  const Vec y = tiny ? x * 8388608.f : x;
  // y = 2^e m with m in [sqrt(1/2), sqrt(2)).
  const VecI shifted = bits(y) - 0x3f3504f3;
  const VecI exponent = (shifted >> 23) - (tiny & 23);
  const Vec f = from_bits((shifted & 0x007fffff) + 0x3f3504f3) - 1.f;
  const Vec e = __builtin_convertvector(exponent, Vec);
  Vec p = splat(7.0376836292e-2f);
  p = p * f + -1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f + -1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f + -1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f + -2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  const Vec square = f * f;
  Vec result = (p * f * square + e * -2.12194440e-4f) - 0.5f * square;
  result = (f + result) + e * 0.693359375f;
  const Vec infinity = splat(__builtin_inff()), nan = splat(__builtin_nanf(""));
  result = x == infinity ? infinity : result;
  result = x == 0.f ? -infinity : result;
  return x >= 0.f ? result : nan;  // false for NaN too
}

}  // namespace asterolab::ASTEROLAB_ISA
