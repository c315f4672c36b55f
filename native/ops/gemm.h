// Matrix products on row-major float32, with a form that packs the right factor once.
//
// C [m, n] = op(A) [m, k] . op(B) [k, n]  (+ C when accumulate). op(X) is X, or its transpose when the flag is set: A
// is then stored [k, m], B [n, k]. ld* is the distance in floats between stored rows; any value of at least the row
// length (A may even overlap itself with a smaller lda). Any m, n, k >= 0; k = 0 gives zeros (or leaves C when
// accumulating). No alignment needed. C must not overlap A or B. Runs on the pool of parallel.h (inside a parallel_for
// body: on the calling thread alone); the result does not depend on the number of threads. Scratch comes from memory.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "division.h"

namespace asterolab {

struct Gemm {
  int64_t m, n, k;
  bool trans_a = false, trans_b = false;
  bool accumulate = false;
  /// Sums over k by slices of `depth` a row of the batch (not with accumulate). Where the division leaves two sums, C is
  /// followed by a second one of its size.
  const Division* division = nullptr;
  int64_t depth = 1;
};

void gemm(float* c, int64_t ldc, const float* a, int64_t lda, const float* b, int64_t ldb, const Gemm& shape);

/// Floats that pack_b writes for op(B) [k, n].
size_t packed_b_size(int64_t k, int64_t n);
/// Packs op(B) for gemm_packed. `packed`: packed_b_size floats, 64-byte aligned for speed. The
/// layout depends on the instruction set in use: pack again after set_isa.
void pack_b(float* packed, const float* b, int64_t ldb, int64_t k, int64_t n, bool trans_b);
/// As gemm, with B from pack_b (shape.trans_b is ignored; k and n as they were packed).
void gemm_packed(float* c, int64_t ldc, const float* a, int64_t lda, const float* packed, const Gemm& shape);

}  // namespace asterolab
