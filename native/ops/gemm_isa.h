// The per-instruction-set entry points behind gemm.h.
#pragma once

#include "gemm.h"
#include "isa.h"

namespace asterolab {
ASTEROLAB_EACH_ISA(
    void gemm(float* c, int64_t ldc, const float* a, int64_t lda, const float* b, int64_t ldb, const Gemm& shape);
    size_t packed_b_size(int64_t k, int64_t n);
    void pack_b(float* packed, const float* b, int64_t ldb, int64_t k, int64_t n, bool trans_b);
    void gemm_packed(float* c, int64_t ldc, const float* a, int64_t lda, const float* packed, const Gemm& shape);)
}  // namespace asterolab
