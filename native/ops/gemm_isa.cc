// Matrix products: B in panels of kNr columns, A in panels of kMr rows, one register block per pair.
#include "simd.h"

#include "fold_isa.h"
#include "gemm_isa.h"
#include "memory.h"
#include "parallel.h"

namespace asterolab::ASTEROLAB_ISA {

// A register block is kMr x (2 vectors): 24 accumulators of 32 registers on AVX-512, 12 of 16 on AVX2.
constexpr int kMr = kLanes == 16 ? 12 : kLanes == 8 ? 6 : 4;
constexpr int kNr = 2 * kLanes;
constexpr int64_t kKc = 256;  // a panel of B of this depth (32 KiB on AVX-512) and one of A stay in the first-level caches
constexpr int64_t kTile = 32768;  // floats of C that a task sums by slices: with the sums that wait, in the second-level cache

static inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

// acc [Rows, kNr] = A panel . B panel; A element (r, p) at a[r * row + p * step].
template <int Rows>
static inline void block(float* c, int64_t ldc, const float* a, int64_t row, int64_t step, const float* b, int64_t k,
                         int columns, bool add) {
  Vec acc[Rows][2] = {};
  for (int64_t p = 0; p < k; ++p) {
    const Vec b0 = load(b), b1 = load(b + kLanes);
    b += kNr;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const float s = a[r * row];
      acc[r][0] += s * b0;
      acc[r][1] += s * b1;
    }
    a += step;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    float* out = c + r * ldc;
    if (columns == kNr) {
      store(out, add ? load(out) + acc[r][0] : acc[r][0]);
      store(out + kLanes, add ? load(out + kLanes) + acc[r][1] : acc[r][1]);
    } else {
      const int c0 = columns < kLanes ? columns : kLanes, c1 = columns - c0;
      store_some(out, add ? load_some(out, c0) + acc[r][0] : acc[r][0], c0);
      if (c1 > 0) store_some(out + kLanes, add ? load_some(out + kLanes, c1) + acc[r][1] : acc[r][1], c1);
    }
  }
}

static void block_rows(int rows, float* c, int64_t ldc, const float* a, int64_t row, int64_t step, const float* b,
                       int64_t k, int columns, bool add) {
  switch (rows) {
    case 1: return block<1>(c, ldc, a, row, step, b, k, columns, add);
    case 2: return block<2>(c, ldc, a, row, step, b, k, columns, add);
    case 3: return block<3>(c, ldc, a, row, step, b, k, columns, add);
    case 4: return block<4>(c, ldc, a, row, step, b, k, columns, add);
#if defined(__AVX2__)
    case 5: return block<5>(c, ldc, a, row, step, b, k, columns, add);
    case 6: return block<6>(c, ldc, a, row, step, b, k, columns, add);
#endif
#if defined(__AVX512F__)
    case 7: return block<7>(c, ldc, a, row, step, b, k, columns, add);
    case 8: return block<8>(c, ldc, a, row, step, b, k, columns, add);
    case 9: return block<9>(c, ldc, a, row, step, b, k, columns, add);
    case 10: return block<10>(c, ldc, a, row, step, b, k, columns, add);
    case 11: return block<11>(c, ldc, a, row, step, b, k, columns, add);
    case 12: return block<12>(c, ldc, a, row, step, b, k, columns, add);
#endif
  }
}

size_t packed_b_size(int64_t k, int64_t n) { return static_cast<size_t>((n + kNr - 1) / kNr * kNr) * k; }

// Panel j of B: [k, kNr] at packed + j * kNr * k, columns past n zero.
static void pack_panel(float* out, const float* b, int64_t ldb, int64_t k, int64_t n, bool trans_b, int64_t panel) {
  const int64_t first = panel * kNr;
  const int columns = static_cast<int>(lesser(kNr, n - first));
  if (!trans_b) {
    for (int64_t p = 0; p < k; ++p, out += kNr) {
      const float* in = b + p * ldb + first;
      if (columns == kNr) {
        store(out, load(in));
        store(out + kLanes, load(in + kLanes));
      } else {
        for (int j = 0; j < kNr; ++j) out[j] = j < columns ? in[j] : 0.f;
      }
    }
  } else {
    for (int64_t p0 = 0; p0 < k; p0 += 16) {
      const int64_t p1 = lesser(p0 + 16, k);
      for (int j = 0; j < kNr; ++j) {
        const float* in = b + (first + j) * ldb;
        for (int64_t p = p0; p < p1; ++p) out[p * kNr + j] = j < columns ? in[p] : 0.f;
      }
    }
  }
}

void pack_b(float* packed, const float* b, int64_t ldb, int64_t k, int64_t n, bool trans_b) {
  const int64_t panels = (n + kNr - 1) / kNr;
  parallel_for(panels, 1, [=](int64_t begin, int64_t end, int) {
    for (int64_t j = begin; j < end; ++j) pack_panel(packed + j * kNr * k, b, ldb, k, n, trans_b, j);
  });
}

// Rows [0, rows) of op(A), columns [p0, p0 + depth): [depth][rows].
static void pack_a(float* out, const float* a, int64_t lda, int rows, int64_t depth, bool trans_a) {
  if (trans_a) {
    for (int64_t p = 0; p < depth; ++p)
      for (int r = 0; r < rows; ++r) out[p * rows + r] = a[p * lda + r];
  } else {
    for (int64_t p0 = 0; p0 < depth; p0 += 16) {
      const int64_t p1 = lesser(p0 + 16, depth);
      for (int r = 0; r < rows; ++r)
        for (int64_t p = p0; p < p1; ++p) out[p * rows + r] = a[r * lda + p];
    }
  }
}

void gemm_packed(float* c, int64_t ldc, const float* a, int64_t lda, const float* packed, const Gemm& shape) {
  const int64_t m = shape.m, n = shape.n, k = shape.k;
  if (m <= 0 || n <= 0) return;
  if (k <= 0) {
    for (int64_t i = 0; i < m && !shape.accumulate; ++i) std::memset(c + i * ldc, 0, n * sizeof(float));
    return;
  }
  const int64_t panels = (n + kNr - 1) / kNr;
  // A is copied into row panels when enough columns reuse the copy, or its rows would collide in the cache.
  const bool pack = shape.trans_a || panels > 2 || (lda % 256 == 0 && k > 16);
  // Tasks of row blocks x column panels: about 4 Mflop each, at least.
  const int64_t row_blocks = (m + kMr - 1) / kMr;
  int64_t rows_per_task = 1;
  while (rows_per_task < row_blocks && rows_per_task < 10 && rows_per_task * kMr * n * k < (1 << 21)) ++rows_per_task;
  const int64_t row_tasks = (row_blocks + rows_per_task - 1) / rows_per_task;
  int64_t panels_per_task = panels;
  while (panels_per_task > 1 && row_tasks * ((panels + panels_per_task - 1) / panels_per_task) < 16 &&
         rows_per_task * kMr * (panels_per_task / 2) * kNr * k >= (1 << 18))
    panels_per_task = (panels_per_task + 1) / 2;
  const Division whole;
  const Division& division = shape.division ? *shape.division : whole;
  const bool divided = slices_of(division) > 1;
  if (divided && rows_per_task * kMr * panels_per_task * kNr > kTile)
    panels_per_task = kTile / (rows_per_task * kMr * kNr) > 1 ? kTile / (rows_per_task * kMr * kNr) : 1;
  const int64_t column_tasks = (panels + panels_per_task - 1) / panels_per_task;
  float* second_c = leaves_of(division) == 2 ? c + m * ldc : nullptr;
  parallel_for(row_tasks * column_tasks, 1, [=, &division](int64_t begin, int64_t end, int) {
    Workspace work;
    float* ap = pack ? work.floats(rows_per_task * kMr * kKc) : nullptr;
    float* tile = divided ? work.floats(rows_per_task * kMr * panels_per_task * kNr) : nullptr;
    float* second_tile = divided && !second_c ? work.floats(rows_per_task * kMr * panels_per_task * kNr) : nullptr;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t i0 = task / column_tasks * rows_per_task * kMr, i1 = lesser(i0 + rows_per_task * kMr, m);
      const int64_t j0 = task % column_tasks * panels_per_task, j1 = lesser(j0 + panels_per_task, panels);
      const int64_t width = lesser(j1 * kNr, n) - j0 * kNr, ldt = divided ? width : ldc;
      float* target = divided ? tile : c + i0 * ldc + j0 * kNr;
      int64_t slice_end = 0;
      for (int slice = 0; slice < slices_of(division); ++slice) {
        const int64_t slice_begin = slice_end;
        slice_end = divided ? slice_begin + division.rows[slice] * shape.depth : k;
        for (int64_t p0 = slice_begin; p0 < slice_end; p0 += kKc) {
          const int64_t depth = lesser(kKc, slice_end - p0);
          const bool add = shape.accumulate || p0 > slice_begin;
          if (pack)
            for (int64_t i = i0; i < i1; i += kMr)
              pack_a(ap + (i - i0) * kKc, shape.trans_a ? a + p0 * lda + i : a + i * lda + p0, lda,
                     static_cast<int>(lesser(kMr, i1 - i)), depth, shape.trans_a);
          for (int64_t j = j0; j < j1; ++j) {
            const float* bp = packed + j * kNr * k + p0 * kNr;
            const int columns = static_cast<int>(lesser(kNr, n - j * kNr));
            for (int64_t i = i0; i < i1; i += kMr) {
              const int rows = static_cast<int>(lesser(kMr, i1 - i));
              float* out = target + (i - i0) * ldt + (j - j0) * kNr;
              if (pack)
                block_rows(rows, out, ldt, ap + (i - i0) * kKc, 1, rows, bp, depth, columns, add);
              else
                block_rows(rows, out, ldt, a + i * lda + p0, lda, 1, bp, depth, columns, add);
            }
          }
        }
        if (!divided) continue;
        const Fold to = fold_of(division, slice);
        for (int64_t i = i0; i < i1; ++i) {
          const int64_t at = i * ldc + j0 * kNr, in_tile = (i - i0) * ldt;
          fold({c + at, second_c ? second_c + at : second_tile + in_tile}, to, tile + in_tile, width);
        }
      }
    }
  });
}

void gemm(float* c, int64_t ldc, const float* a, int64_t lda, const float* b, int64_t ldb, const Gemm& shape) {
  Workspace work;
  float* packed = work.floats(ASTEROLAB_ISA::packed_b_size(shape.k, shape.n));
  ASTEROLAB_ISA::pack_b(packed, b, ldb, shape.k, shape.n, shape.trans_b);
  ASTEROLAB_ISA::gemm_packed(c, ldc, a, lda, packed, shape);
}

}  // namespace asterolab::ASTEROLAB_ISA
