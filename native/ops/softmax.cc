// Dispatch of the cross-entropy.
#include "softmax.h"

#include "isa.h"

namespace asterolab {

ASTEROLAB_EACH_ISA(double heads_cross_entropy(const Head* heads, int64_t count, const int32_t* labels, int64_t batch, int64_t whole);)

double heads_cross_entropy(const Head* heads, int64_t count, const int32_t* labels, int64_t batch, int64_t whole) {
  ASTEROLAB_CALL_ISA(heads_cross_entropy(heads, count, labels, batch, whole));
}

}  // namespace asterolab
