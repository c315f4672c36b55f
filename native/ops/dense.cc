// Dispatch of the fully connected layer.
#include "dense.h"

#include "isa.h"

namespace asterolab {

ASTEROLAB_EACH_ISA(
    void dense_forward(float* out, const float* x, const float* weight, const float* bias, const DenseShape& shape);
    void dense_backward(const DenseGradients& grad, const float* dout, const float* out, const float* x,
                        const float* weight, const DenseShape& shape);)

void dense_forward(float* out, const float* x, const float* weight, const float* bias, const DenseShape& shape) {
  ASTEROLAB_CALL_ISA(dense_forward(out, x, weight, bias, shape));
}
void dense_backward(const DenseGradients& grad, const float* dout, const float* out, const float* x,
                    const float* weight, const DenseShape& shape) {
  ASTEROLAB_CALL_ISA(dense_backward(grad, dout, out, x, weight, shape));
}

}  // namespace asterolab
