// The convolution block: which form a size takes.
#include <cmath>

#include "simd.h"

#include "conv_block_isa.h"
#include "direct_block_isa.h"
#include "spectral_block_isa.h"

namespace asterolab::ASTEROLAB_ISA {

size_t conv_block_saved_size(const ConvBlockShape& shape) {
  return static_cast<size_t>(Saved(shape, choose_tiling(shape)).total);
}

double conv_block_flop(const ConvBlockShape& s, bool backward, bool wants_dx) {
  const Tiling t = choose_tiling(s);
  const double co = static_cast<double>(blocks_of(s.out_channels) * kLanes), batch = static_cast<double>(s.batch);
  const double passes = backward ? 1. + wants_dx : 1.;  // forward; or dW, and dx where it is wanted
  if (!t.size) return passes * 2 * batch * static_cast<double>(s.length * s.in_channels * s.kernel) * co;
  const double ci = static_cast<double>(blocks_of(s.in_channels) * kLanes), rows = batch * static_cast<double>(t.tiles);
  const double size = t.size, taps = static_cast<double>(s.kernel / 2 + 1);
  const double products = passes * 6 * rows * static_cast<double>(t.bins) * ci * co;
  const double weights = passes * 4 * (size / 4 + 1) * taps * ci * co;
  const double signals = backward ? co + (wants_dx ? ci : 0) : ci + co;  // transformed one way or the other
  return products + weights + 2.5 * size * std::log2(size) * rows * signals;
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
