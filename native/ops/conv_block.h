// The network's convolution block, forward and backward:
// conv1d -> ReLU -> GroupNorm (one channel per group) -> MaxPool(3, 1, 1) -> AvgPool(3, 3, 1).
//
// Legend: B batch, L length, C channel, K kernel size. float32, channels last.
//
//   x       [B, L, Cin]         weight [Cout, Cin, K]  bias, scale, shift [Cout]
//   out     [B, Lout, Cout]     Lout = (L - 1) / 3 + 1 (rounded down)
//
// conv1d is PyTorch's (a cross-correlation) with zero padding (K - 1) / 2; GroupNorm takes mean and biased
// variance over L of each sample and channel, eps 1e-5; MaxPool pads with -inf, ties go to the first; AvgPool
// always divides by 3. A NaN in a channel makes that sample's channel NaN.
//
// Sizes: any B, L, Cin, Cout >= 1 and odd K >= 1; other sizes are the caller's error (the functions
// do not check; valid() does). Alignment: none needed, 64 bytes is faster. Aliasing: outputs must not overlap each
// other or any input. Outputs are written completely, never added to. Scratch comes from memory.h. Threads:
// the pool of parallel.h; results do not depend on their number.
#pragma once

#include <cstddef>
#include <cstdint>

#include "division.h"

namespace asterolab {

struct ConvBlockShape {
  int64_t batch, length, in_channels, out_channels, kernel;
  /// The same for forward, backward and the saved buffer. Slices have an even number of rows, but for the last of the whole.
  Division division = {};

  bool valid() const {
    return batch >= 1 && length >= 1 && in_channels >= 1 && out_channels >= 1 && kernel >= 1 && kernel % 2 == 1;
  }
  int64_t out_length() const { return (length - 1) / 3 + 1; }
};

struct ConvBlockWeights {
  const float *weight, *bias, *scale, *shift;
};

/// Where the division leaves two sums, those of each parameter follow each other.
struct ConvBlockGradients {
  float *weight, *bias, *scale, *shift;
};

/// Floats of the buffer that carries what backward needs from forward: convolution output before ReLU
/// [B, L, Cout], mean and inverse standard deviation [B, Cout] each, and spectra of x. The layout is
/// private and depends on the instruction set in use.
size_t conv_block_saved_size(const ConvBlockShape& shape);

/// Floating-point operations that the chosen form executes, idle lanes included, in the convolution: complex products
/// at 6 a multiply-add (Gauss), transforms at 2.5 T log2 T a real tile, weights' spectra and taps; or the plain sums.
/// Backward with or without dx. A plain sum over K taps takes 2 B L Cin Cout K a direction.
double conv_block_flop(const ConvBlockShape& shape, bool backward, bool wants_dx);

/// saved: conv_block_saved_size floats, or null when no backward will follow (inference).
void conv_block_forward(float* out, float* saved, const float* x, const ConvBlockWeights& w,
                        const ConvBlockShape& shape);

/// Gradients of a loss whose gradient with respect to out is dout [B, Lout, Cout]. dx [B, L, Cin] may be
/// null (first block). x, w, saved: as in the forward call.
void conv_block_backward(float* dx, const ConvBlockGradients& grad, const float* dout, const float* x,
                         const ConvBlockWeights& w, const float* saved, const ConvBlockShape& shape);

}  // namespace asterolab
