// The per-instruction-set entry points behind conv_block.h.
#pragma once

#include "conv_block.h"
#include "isa.h"

namespace asterolab {
ASTEROLAB_EACH_ISA(
    size_t conv_block_saved_size(const ConvBlockShape& shape);
    double conv_block_flop(const ConvBlockShape& shape, bool backward, bool wants_dx);
    void conv_block_forward(float* out, float* saved, const float* x, const ConvBlockWeights& w,
                            const ConvBlockShape& shape);
    void conv_block_backward(float* dx, const ConvBlockGradients& grad, const float* dout, const float* x,
                             const ConvBlockWeights& w, const float* saved, const ConvBlockShape& shape);)
}  // namespace asterolab
