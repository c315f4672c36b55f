// Dispatch of the convolution block.
#include "conv_block.h"

#include "conv_block_isa.h"

namespace asterolab {

size_t conv_block_saved_size(const ConvBlockShape& shape) { ASTEROLAB_CALL_ISA(conv_block_saved_size(shape)); }

double conv_block_flop(const ConvBlockShape& shape, bool backward, bool wants_dx) {
  ASTEROLAB_CALL_ISA(conv_block_flop(shape, backward, wants_dx));
}

void conv_block_forward(float* out, float* saved, const float* x, const ConvBlockWeights& w,
                        const ConvBlockShape& shape) {
  ASTEROLAB_CALL_ISA(conv_block_forward(out, saved, x, w, shape));
}

void conv_block_backward(float* dx, const ConvBlockGradients& grad, const float* dout, const float* x,
                         const ConvBlockWeights& w, const float* saved, const ConvBlockShape& shape) {
  ASTEROLAB_CALL_ISA(conv_block_backward(dx, grad, dout, x, w, saved, shape));
}

}  // namespace asterolab
