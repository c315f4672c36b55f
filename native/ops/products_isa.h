// Complex matrix products at one frequency, in the layout of spectral_isa.h.
//
// A complex product takes three real ones (Gauss): (a + ib)(c + id) = (p - b (c + d)) + i (p + a (d - c)) with p = c (a
// + b). The sums of the broadcast factor are made once per call, those of the vector factor on the fly.
#pragma once

#include "fft_isa.h"
#include "memory.h"

namespace asterolab::ASTEROLAB_ISA {

// Rows (or input channels, in the gradient) of a register block: 8 x 3 accumulators of AVX-512's 32 registers, 4 x 3 of
// 16 elsewhere.
constexpr int kProductRows = kLanes == 16 ? 8 : 4;

// y [Rows, kLanes] (+)= x . h over all input channels. sums: real + imaginary of x, [block][rows][kLanes]. x + ahead
// will be asked for next.
template <int Rows>
static inline void product_block(float* y, const float* x, const float* sums, const float* h, int64_t rows,
    int64_t in_blocks, bool add,
                                 int64_t ahead) {
  Vec p[Rows] = {}, q[Rows] = {}, u[Rows] = {};
  for (int64_t b = 0; b < in_blocks; ++b, x += rows * kPoint, sums += rows * kLanes)
    for (int c = 0; c < kLanes; ++c, h += kPoint) {
      __builtin_prefetch(x + ahead + c * kPoint, 0, 2);
      __builtin_prefetch(x + ahead + c * kPoint + kLanes, 0, 2);
      const Vec hr = load(h), hi = load(h + kLanes), more = hr + hi, less = hi - hr;
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        p[r] += sums[r * kLanes + c] * hr;
        q[r] += x[r * kPoint + c] * less;
        u[r] += x[r * kPoint + kLanes + c] * more;
      }
    }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    float* to = y + r * kPoint;
    const Complex sum{p[r] - u[r], p[r] + q[r]};
    store_point(to, add ? sum + load_point(to) : sum);
  }
}

static void product_rows(int count, float* y, const float* x, const float* sums, const float* h, int64_t rows,
    int64_t in_blocks, bool add,
                         int64_t ahead) {
  switch (count) {
    case 1: return product_block<1>(y, x, sums, h, rows, in_blocks, add, ahead);
    case 2: return product_block<2>(y, x, sums, h, rows, in_blocks, add, ahead);
    case 3: return product_block<3>(y, x, sums, h, rows, in_blocks, add, ahead);
    case 4: return product_block<4>(y, x, sums, h, rows, in_blocks, add, ahead);
    case 5: return product_block<5>(y, x, sums, h, rows, in_blocks, add, ahead);
    case 6: return product_block<6>(y, x, sums, h, rows, in_blocks, add, ahead);
    case 7: return product_block<7>(y, x, sums, h, rows, in_blocks, add, ahead);
    default: return product_block<8>(y, x, sums, h, rows, in_blocks, add, ahead);
  }
}

/// One frequency of Y [M, out] (+)= X [M, in] . H [in, out]. The next X to be asked for lies `ahead` floats on and is
/// fetched meanwhile.
static void spectral_product(float* y, const float* x, const float* h, int64_t rows, int64_t in_blocks,
    int64_t out_blocks, bool add, int64_t ahead) {
  Workspace work;
  float* sums = work.floats(in_blocks * rows * kLanes);
  for (int64_t i = 0; i < in_blocks * rows; ++i) store(sums + i * kLanes,
      load(x + i * kPoint) + load(x + i * kPoint + kLanes));
  const int64_t parts = (rows + kProductRows - 1) / kProductRows;
  for (int64_t b = 0; b < out_blocks; ++b)
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t first = i * rows / parts;
      product_rows(static_cast<int>((i + 1) * rows / parts - first), y + (b * rows + first) * kPoint, x + first * kPoint,
                   sums + first * kLanes, h + b * in_blocks * kLanes * kPoint, rows, in_blocks, add, ahead);
    }
}

// g[c] (+)= sum over rows of conj(x[c]) d for kProductRows input channels. differences: real - imaginary of x,
// [rows][kLanes].
static inline void gradient_block(float* g, int64_t g_row, const float* x, const float* differences, const float* d,
    int64_t rows, bool add,
                                  const float* ahead) {
  constexpr int kCount = kProductRows;
  Vec p[kCount] = {}, q[kCount] = {}, u[kCount] = {};
  for (int64_t m = 0; m < rows; ++m) {
    __builtin_prefetch(ahead + m * kPoint);
    __builtin_prefetch(ahead + m * kPoint + kLanes);
    const Vec dr = load(d + m * kPoint), di = load(d + m * kPoint + kLanes), more = dr + di, less = di - dr;
#pragma GCC unroll 8
    for (int c = 0; c < kCount; ++c) {
      p[c] += differences[m * kLanes + c] * dr;
      q[c] += x[m * kPoint + c] * less;
      u[c] += x[m * kPoint + kLanes + c] * more;
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < kCount; ++c) {
    float* to = g + c * g_row;
    const Complex sum{p[c] + u[c], p[c] + q[c]};
    store_point(to, add ? sum + load_point(to) : sum);
  }
}

/// One frequency of the weights' gradient G [in padded][out block][2][kLanes] (+)= conj(X)^T . D over `rows` of the M rows
/// that a block of x and d holds. x_ahead and d_ahead: how far on the next x and d to be asked for lie, which are fetched
/// meanwhile.
static void spectral_gradient(float* g, const float* x, const float* d, int64_t rows, int64_t all_rows, int64_t in_blocks,
    int64_t out_blocks, bool add,
                              int64_t x_ahead, int64_t d_ahead) {
  const int64_t g_row = out_blocks * kPoint;
  Workspace work;
  float* differences = work.floats(rows * kLanes);
  for (int64_t ib = 0; ib < in_blocks; ++ib) {
    const float* xb = x + ib * all_rows * kPoint;
    for (int64_t m = 0; m < rows; ++m) store(differences + m * kLanes,
        load(xb + m * kPoint) - load(xb + m * kPoint + kLanes));
    for (int64_t b = 0; b < out_blocks; ++b) {
      const float* db = d + b * all_rows * kPoint;
      for (int c = 0; c < kLanes; c += kProductRows)
        gradient_block(g + (ib * kLanes + c) * g_row + b * kPoint, g_row, xb + c, differences + c, db, rows, add,
            c ? db + d_ahead : xb + x_ahead);
    }
  }
}

}  // namespace asterolab::ASTEROLAB_ISA
