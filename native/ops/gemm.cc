// Dispatch of the matrix products.
#include "gemm.h"

#include "gemm_isa.h"
#include "isa.h"

namespace asterolab {

void gemm(float* c, int64_t ldc, const float* a, int64_t lda, const float* b, int64_t ldb, const Gemm& shape) {
  ASTEROLAB_CALL_ISA(gemm(c, ldc, a, lda, b, ldb, shape));
}
size_t packed_b_size(int64_t k, int64_t n) { ASTEROLAB_CALL_ISA(packed_b_size(k, n)); }
void pack_b(float* packed, const float* b, int64_t ldb, int64_t k, int64_t n, bool trans_b) {
  ASTEROLAB_CALL_ISA(pack_b(packed, b, ldb, k, n, trans_b));
}
void gemm_packed(float* c, int64_t ldc, const float* a, int64_t lda, const float* packed, const Gemm& shape) {
  ASTEROLAB_CALL_ISA(gemm_packed(c, ldc, a, lda, packed, shape));
}

}  // namespace asterolab
