// Dispatch of the optimizer arithmetic.
#include "adam.h"

#include "isa.h"

namespace asterolab {

ASTEROLAB_EACH_ISA(
    double sum_of_squares(const float* x, int64_t n);
    void adam_update(float* parameter, float* first, float* second, const float* gradient, int64_t n,
                     const AdamStep& step);)

double sum_of_squares(const float* x, int64_t n) { ASTEROLAB_CALL_ISA(sum_of_squares(x, n)); }
void adam_update(float* parameter, float* first, float* second, const float* gradient, int64_t n,
                 const AdamStep& step) {
  ASTEROLAB_CALL_ISA(adam_update(parameter, first, second, gradient, n, step));
}

}  // namespace asterolab
