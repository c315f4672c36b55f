// Complex matrix products at one frequency, in the layout of spectral_isa.h.
#pragma once

#include "fft_isa.h"

namespace asterolab::ASTEROLAB_ISA {

// y [Rows x Blocks vectors] (+)= x . h over all input channels, complex. x + ahead will be asked for next.
template <int Rows, int Blocks>
static inline void product_block(float* y, const float* x, const float* h, int64_t rows, int64_t in_blocks, bool add, int64_t ahead) {
  Vec re[Rows][Blocks] = {}, im[Rows][Blocks] = {};
  const int64_t h_stride = in_blocks * kLanes * kPoint;
  for (int64_t b = 0; b < in_blocks; ++b, x += rows * kPoint)
    for (int c = 0; c < kLanes; ++c, h += kPoint) {
      __builtin_prefetch(x + ahead + c * kPoint, 0, 2);
      __builtin_prefetch(x + ahead + c * kPoint + kLanes, 0, 2);
      Vec hr[Blocks], hi[Blocks];
      for (int v = 0; v < Blocks; ++v) hr[v] = load(h + v * h_stride), hi[v] = load(h + v * h_stride + kLanes);
#pragma GCC unroll 12
      for (int r = 0; r < Rows; ++r) {
        const float xr = x[r * kPoint + c], xi = x[r * kPoint + kLanes + c];
#pragma GCC unroll 2
        for (int v = 0; v < Blocks; ++v) {
          re[r][v] += xr * hr[v];
          im[r][v] += xr * hi[v];
          re[r][v] -= xi * hi[v];
          im[r][v] += xi * hr[v];
        }
      }
    }
  for (int v = 0; v < Blocks; ++v)
    for (int r = 0; r < Rows; ++r) {
      float* to = y + (v * rows + r) * kPoint;
      const Complex sum{re[r][v], im[r][v]};
      store_point(to, add ? sum + load_point(to) : sum);
    }
}

template <int Blocks>
static void product_rows(int count, float* y, const float* x, const float* h, int64_t rows, int64_t in_blocks, bool add, int64_t ahead) {
  switch (count) {
    case 1: return product_block<1, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 2: return product_block<2, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 3: return product_block<3, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 4: return product_block<4, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 5: return product_block<5, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 6: return product_block<6, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 7: return product_block<7, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 8: return product_block<8, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 9: return product_block<9, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 10: return product_block<10, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    case 11: return product_block<11, Blocks>(y, x, h, rows, in_blocks, add, ahead);
    default: return product_block<12, Blocks>(y, x, h, rows, in_blocks, add, ahead);
  }
}

// 6 rows x 2 blocks x (re, im) fill 24 of AVX-512's 32 registers; elsewhere 6 rows x 1 block fill 12 of 16.
constexpr int kProductRows = kLanes == 16 ? 12 : 6, kProductBlocks = 1;

/// One frequency of Y [M, out] (+)= X [M, in] . H [in, out]. The next X to be asked for lies `ahead` floats on and is fetched meanwhile.
static void spectral_product(float* y, const float* x, const float* h, int64_t rows, int64_t in_blocks, int64_t out_blocks, bool add, int64_t ahead) {
  const int64_t parts = (rows + kProductRows - 1) / kProductRows;
  for (int64_t b = 0; b < out_blocks;) {
    const int blocks = b + kProductBlocks <= out_blocks ? kProductBlocks : 1;
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t first = i * rows / parts;
      const int count = static_cast<int>((i + 1) * rows / parts - first);
      float* to = y + (b * rows + first) * kPoint;
      if (blocks == 1)
        product_rows<1>(count, to, x + first * kPoint, h + b * in_blocks * kLanes * kPoint, rows, in_blocks, add, ahead);
      else
        product_rows<kProductBlocks>(count, to, x + first * kPoint, h + b * in_blocks * kLanes * kPoint, rows, in_blocks, add, ahead);
    }
    b += blocks;
  }
}

constexpr int kGradientBlocks = kLanes == 16 ? 2 : 1;

// Channels ci .. ci + 3 of a block: g[c] (+)= sum over rows of conj(x[c]) d.
template <int Blocks>
static inline void gradient_block(float* g, int64_t g_row, const float* x, const float* d, int64_t rows, bool add, const float* ahead) {
  constexpr int kCount = 4;
  Vec re[kCount][Blocks] = {}, im[kCount][Blocks] = {};
  for (int64_t m = 0; m < rows; ++m) {
    Vec dr[Blocks], di[Blocks];
    for (int v = 0; v < Blocks; ++v) dr[v] = load(d + (v * rows + m) * kPoint), di[v] = load(d + (v * rows + m) * kPoint + kLanes);
    const float* row = x + m * kPoint;
    __builtin_prefetch(ahead + m * kPoint);
    __builtin_prefetch(ahead + m * kPoint + kLanes);
#pragma GCC unroll 4
    for (int c = 0; c < kCount; ++c) {
      const float xr = row[c], xi = row[kLanes + c];
#pragma GCC unroll 2
      for (int v = 0; v < Blocks; ++v) {
        re[c][v] += xr * dr[v];
        im[c][v] += xr * di[v];
        re[c][v] += xi * di[v];
        im[c][v] -= xi * dr[v];
      }
    }
  }
  for (int c = 0; c < kCount; ++c)
    for (int v = 0; v < Blocks; ++v) {
      float* to = g + c * g_row + v * kPoint;
      Complex sum{re[c][v], im[c][v]};
      if (add) sum = sum + load_point(to);
      store_point(to, sum);
    }
}

/// One frequency of the weights' gradient G [in padded][out block][2][kLanes] (+)= conj(X)^T . D over M rows. x_ahead and d_ahead: how far on
/// the next x and d to be asked for lie, which are fetched meanwhile.
static void spectral_gradient(float* g, const float* x, const float* d, int64_t rows, int64_t in_blocks, int64_t out_blocks, bool add,
                              int64_t x_ahead, int64_t d_ahead) {
  const int64_t g_row = out_blocks * kPoint;
  for (int64_t ib = 0; ib < in_blocks; ++ib)
    for (int64_t b = 0; b < out_blocks;) {
      const int blocks = b + kGradientBlocks <= out_blocks ? kGradientBlocks : 1;
      const float* db = d + b * rows * kPoint;
      for (int c = 0; c < kLanes; c += 4) {
        float* to = g + (ib * kLanes + c) * g_row + b * kPoint;
        const float* from = x + ib * rows * kPoint;
        const float* ahead = c == 0 ? from + x_ahead : c == 4 ? db + d_ahead : db + (blocks - 1) * rows * kPoint + d_ahead;
        if (blocks == 1)
          gradient_block<1>(to, g_row, from + c, db, rows, add, ahead);
        else
          gradient_block<kGradientBlocks>(to, g_row, from + c, db, rows, add, ahead);
      }
      b += blocks;
    }
}

}  // namespace asterolab::ASTEROLAB_ISA
