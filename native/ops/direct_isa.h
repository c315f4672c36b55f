// Convolution by direct summation, for few input channels or short kernels. The signal padded with zeros, seen as a
// matrix whose rows start one position apart and overlap, makes it a product with the weights as [K Cin, Cout].
#pragma once

#include "conv_block.h"
#include "gemm.h"
#include "memory.h"
#include "parallel.h"
#include "simd.h"

namespace asterolab::ASTEROLAB_ISA {

static inline int64_t blocks_of(int64_t channels) { return (channels + kLanes - 1) / kLanes; }
static inline int lanes_of(int64_t channels, int64_t block) {
  const int64_t left = channels - block * kLanes;
  return static_cast<int>(left < kLanes ? left : kLanes);
}

/// [L + 2 P, C] with P zero rows at both ends.
static void pad_signal(float* out, const float* x, int64_t length, int64_t channels, int64_t pad) {
  std::memset(out, 0, pad * channels * sizeof(float));
  std::memcpy(out + pad * channels, x, length * channels * sizeof(float));
  std::memset(out + (pad + length) * channels, 0, pad * channels * sizeof(float));
}

/// Weights [Cout, Cin, K] as [Cout block][K Cin][kLanes].
static void direct_weights(float* out, const float* weight, const ConvBlockShape& s) {
  const int64_t taps = s.kernel * s.in_channels;
  for (int64_t b = 0; b < blocks_of(s.out_channels); ++b)
    for (int64_t q = 0; q < taps; ++q)
      for (int c = 0; c < kLanes; ++c) {
        const int64_t co = b * kLanes + c, k = q / s.in_channels, ci = q % s.in_channels;
        out[(b * taps + q) * kLanes + c] = co < s.out_channels ? weight[(co * s.in_channels + ci) * s.kernel + k] : 0.f;
      }
}

// Rows are positions: kDirectRows accumulators share each vector of weights.
constexpr int kDirectRows = kLanes == 16 ? 24 : 12;

template <int Rows>
static inline void direct_rows(float* out, const float* x, int64_t step, const float* w, int64_t taps, Vec bias) {
  Vec acc[Rows];
#pragma GCC unroll 24
  for (int r = 0; r < Rows; ++r) acc[r] = bias;
  for (int64_t q = 0; q < taps; ++q) {
    const Vec wq = load(w + q * kLanes);
#pragma GCC unroll 24
    for (int r = 0; r < Rows; ++r) acc[r] += x[q + r * step] * wq;
  }
#pragma GCC unroll 24
  for (int r = 0; r < Rows; ++r) store(out + r * kLanes, acc[r]);
}

/// Output positions 0 .. count - 1, kLanes channels: [count, kLanes]. x: padded signal at the first position's window.
static void direct_forward(float* out, const float* x, const float* w, const float* bias, int lanes, int64_t count,
                           int64_t in_channels, int64_t taps) {
  const Vec b = load_some(bias, lanes);
  int64_t p = 0;
  for (; p + kDirectRows <= count; p += kDirectRows)
    direct_rows<kDirectRows>(out + p * kLanes, x + p * in_channels, in_channels, w, taps, b);
  for (; p < count; ++p) direct_rows<1>(out + p * kLanes, x + p * in_channels, in_channels, w, taps, b);
}

template <int Taps>
static inline void direct_taps(float* sums, const float* dy, const float* x, int64_t step, int64_t count) {
  Vec acc[Taps] = {};
  for (int64_t p = 0; p < count; ++p) {
    const Vec d = load(dy + p * kLanes);
    const float* row = x + p * step;
#pragma GCC unroll 28
    for (int q = 0; q < Taps; ++q) acc[q] += row[q] * d;
  }
  for (int q = 0; q < Taps; ++q) store(sums + q * kLanes, load(sums + q * kLanes) + acc[q]);
}

/// sums [taps, kLanes] += gradient of the weights from `count` positions of dy [count, kLanes].
static void direct_weight_gradient(float* sums, const float* dy, const float* x, int64_t count, int64_t in_channels,
                                   int64_t taps) {
  constexpr int kTaps = kLanes == 16 ? 26 : 12;
  int64_t q = 0;
  for (; q + kTaps <= taps; q += kTaps) direct_taps<kTaps>(sums + q * kLanes, dy, x + q, in_channels, count);
  for (; q + 5 <= taps; q += 5) direct_taps<5>(sums + q * kLanes, dy, x + q, in_channels, count);
  for (; q < taps; ++q) direct_taps<1>(sums + q * kLanes, dy, x + q, in_channels, count);
}

}  // namespace asterolab::ASTEROLAB_ISA
