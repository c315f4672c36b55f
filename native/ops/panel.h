// Products with a narrow panel of columns, small enough to stay in registers: the recurrent steps of the LSTM
// and the dense layer's input gradient, where a general matrix product would spend its time packing. Include it
// only in `*_isa.cc`.
#pragma once

#include "fold_isa.h"
#include "parallel.h"
#include "simd.h"

namespace asterolab::ASTEROLAB_ISA {

/// Columns of a panel.
constexpr int kPanel = 4 * kLanes;
/// Rows a register block holds: 4 vectors a row, of 32 registers (AVX-512, Arm) or 16.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kPanelRows = 6;
#else
constexpr int kPanelRows = 3;
#endif
/// Depth of a pass: this much of a panel stays in the first-level cache while all rows use it.
constexpr int64_t kPanelDepth = 64;

// acc [Rows, kPanel] += a [Rows, k] . b [k, kPanel]
template <int Rows>
static inline void panel_block(float* acc, const float* a, int64_t lda, const float* b, int64_t k) {
  Vec sum[Rows][4];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < 4; ++v) sum[r][v] = load(acc + r * kPanel + v * kLanes);
  for (int64_t p = 0; p < k; ++p) {
    Vec factor[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) factor[r] = splat(a[r * lda + p]);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const Vec column = load(b + p * kPanel + v * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) sum[r][v] += factor[r] * column;
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < 4; ++v) store(acc + r * kPanel + v * kLanes, sum[r][v]);
}

static inline void panel_rows(int rows, float* acc, const float* a, int64_t lda, const float* b, int64_t k) {
  switch (rows) {
    case 1: return panel_block<1>(acc, a, lda, b, k);
    case 2: return panel_block<2>(acc, a, lda, b, k);
    case 3: return panel_block<3>(acc, a, lda, b, k);
#if defined(__AVX512F__) || defined(__aarch64__)
    case 4: return panel_block<4>(acc, a, lda, b, k);
    case 5: return panel_block<5>(acc, a, lda, b, k);
    case 6: return panel_block<6>(acc, a, lda, b, k);
#endif
  }
}

/// acc [rows, kPanel] += a [rows, k] (rows lda apart) . b [k, kPanel], summed in an order that depends on k only.
static inline void panel_product(float* acc, const float* a, int64_t lda, const float* b, int64_t rows, int64_t k) {
  const int64_t blocks = (rows + kPanelRows - 1) / kPanelRows;
  for (int64_t p = 0; p < k; p += kPanelDepth) {
    const int64_t depth = k - p < kPanelDepth ? k - p : kPanelDepth;
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t first = rows * i / blocks, last = rows * (i + 1) / blocks;
      panel_rows(static_cast<int>(last - first), acc + first * kPanel, a + first * lda + p, lda, b + p * kPanel, depth);
    }
  }
}

/// Copies columns [first, first + kPanel) of b [k, n] into a panel; columns past n become zero.
static inline void copy_panel(float* panel, const float* b, int64_t n, int64_t k, int64_t first) {
  const int64_t columns = n - first < kPanel ? n - first : kPanel;
  for (int64_t p = 0; p < k; ++p) {
    for (int64_t c = 0; c < kPanel; c += kLanes) {
      const int64_t left = columns - c;
      const int count = static_cast<int>(left < 0 ? 0 : left < kLanes ? left : kLanes);
      store(panel + p * kPanel + c, load_some(b + p * n + first + c, count));
    }
  }
}

/// sums [n] = column sums of x [rows, n]; rows in blocks, so that rounding errors grow slowly.
static inline void column_sums(float* sums, const float* x, int64_t rows, int64_t n) {
  constexpr int64_t kBlock = 64;
  parallel_for(n, kPanel, [=](int64_t begin, int64_t end, int) {
    for (int64_t c = begin; c < end; c += kLanes) {
      const int count = static_cast<int>(end - c < kLanes ? end - c : kLanes);
      Vec total{};
      for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
        const int64_t r1 = rows - r0 < kBlock ? rows : r0 + kBlock;
        Vec part{};
        for (int64_t r = r0; r < r1; ++r) part += load_some(x + r * n + c, count);
        total += part;
      }
      store_some(sums + c, total, count);
    }
  });
}

/// The same by the slices of a division, `depth` rows of x to a row of the batch; sums [leaves, n].
static inline void divided_column_sums(float* sums, const float* x, int64_t batch, int64_t depth, int64_t n,
                                       const Division& division) {
  Workspace work;
  const Slots slots(work, sums, n, division);
  float* own = work.floats(static_cast<size_t>(n));
  for (int slice = 0; slice < slices_of(division); ++slice) {
    const int64_t rows = rows_of(division, slice, batch) * depth;
    column_sums(own, x, rows, n);
    fold(slots, fold_of(division, slice), own, n);
    x += rows * n;
  }
}

}  // namespace asterolab::ASTEROLAB_ISA
