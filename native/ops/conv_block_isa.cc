// The convolution block: which form a size takes.
#include "simd.h"

#include "conv_block_isa.h"
#include "direct_block_isa.h"
#include "spectral_block_isa.h"

namespace asterolab::ASTEROLAB_ISA {

size_t conv_block_saved_size(const ConvBlockShape& shape) {
  return static_cast<size_t>(Saved(shape, choose_tiling(shape)).total);
}

void conv_block_forward(float* out, float* saved, const float* x, const ConvBlockWeights& w,
    const ConvBlockShape& shape) {
  const Tiling t = choose_tiling(shape);
  if (t.size)
    forward_spectral(out, saved, x, w, shape, t);
  else
    forward_direct(out, saved, x, w, shape);
}

void conv_block_backward(float* dx, const ConvBlockGradients& grad, const float* dout, const float* x,
                         const ConvBlockWeights& w, const float* saved, const ConvBlockShape& shape) {
  const Tiling t = choose_tiling(shape);
  if (t.size)
    backward_spectral(dx, grad, dout, w, saved, shape, t);
  else
    backward_direct(dx, grad, dout, x, w, saved, shape);
}

}  // namespace asterolab::ASTEROLAB_ISA
