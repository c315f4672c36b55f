// A fully connected layer, forward and backward.
//
// B batch, I inputs, O outputs. float32, row-major: x [B, I], weight [O, I], bias [O], out [B, O]. Any sizes >= 1;
// outputs must not overlap each other or any input and are written completely. Scratch comes from memory.h.
// Threads: parallel.h; results do not depend on their number.
#pragma once

#include <cstdint>

#include "division.h"

namespace asterolab {

struct DenseShape {
  int64_t batch, inputs, outputs;
  bool tanh;  // activation: tanh, or none
  Division division = {};
};

/// out = activation(x . weight^T + bias).
void dense_forward(float* out, const float* x, const float* weight, const float* bias, const DenseShape& shape);

struct DenseGradients {
  float *x, *weight, *bias;
};

/// Gradients of a loss whose gradient with respect to out is dout; `out` as forward wrote it. Where the division leaves two
/// sums, those of weight and bias follow each other.
void dense_backward(const DenseGradients& grad, const float* dout, const float* out, const float* x,
                    const float* weight, const DenseShape& shape);

}  // namespace asterolab
