// Ops that treat every element alone. float32; `out` may be the same array as an input, not a shifted one.
// Any n >= 0, no alignment needed. Threads: parallel.h; results do not depend on their number.
#pragma once

#include <cstdint>

namespace asterolab {

/// out[i] = ln x[i]: -infinity at 0, NaN below.
void log_forward(float* out, const float* x, int64_t n);
/// dx[i] = dout[i] / x[i].
void log_backward(float* dx, const float* dout, const float* x, int64_t n);

/// Which elements a dropout keeps (src/engine/dropout-mask.ts makes the same mask): element i is dropped when
/// mix(mix(i * 0x9e3779b9 + first) ^ second) < threshold, and multiplied by `factor` otherwise.
struct DropoutMask {
  uint32_t first, second, threshold;
  float factor;
};
/// out = x * mask; also the backward op, with dout for x. n < 2^32.
void dropout(float* out, const float* x, const DropoutMask& mask, int64_t n);

/// out[i] = a[i] + b[i mod period]; n must be a multiple of period.
void add(float* out, const float* a, const float* b, int64_t n, int64_t period);
/// out[i] = a[i] * factor.
void scale(float* out, const float* a, float factor, int64_t n);

/// For tests of vector_math.h: out[i] = f(x[i]), f by name: "exp", "log", "tanh" or "sigmoid".
bool apply_function(float* out, const float* x, int64_t n, const char* name);

}  // namespace asterolab
