// A one-layer LSTM over whole sequences from a zero state (torch.nn.LSTM, batch first), forward and backward.
//
// B batch, T time steps, I inputs, H hidden units. float32, row-major: x [B, T, I], out [B, T, H],
// weight_ih [4H, I], weight_hh [4H, H], biases [4H]; the 4H rows are the input, forget, cell and output gates:
//   i, f, o = sigmoid(.), g = tanh(.), c_t = f c_{t-1} + i g, h_t = o tanh(c_t).
//
// Any sizes >= 1; outputs must not overlap each other or any input and are written completely. Scratch comes from
// memory.h. Threads: parallel.h; results do not depend on their number.
#pragma once

#include <cstddef>
#include <cstdint>

#include "division.h"

namespace asterolab {

struct LstmShape {
  int64_t batch, steps, inputs, units;
  Division division = {};

  /// Floats that carry what backward needs from forward: activated gates [B, T, 4H] and cells [B, T, H].
  size_t saved_size() const { return static_cast<size_t>(batch) * steps * units * 5; }
};

struct LstmWeights {
  const float *ih, *hh, *bias_ih, *bias_hh;
};

/// saved: saved_size() floats, or null when no backward will follow.
void lstm_forward(float* out, float* saved, const float* x, const LstmWeights& w, const LstmShape& shape);

struct LstmGradients {
  float *x, *ih, *hh, *bias_ih, *bias_hh;
};

/// Gradients of a loss whose gradient with respect to out is dout. `saved` is used as scratch: its contents are lost.
/// Where the division leaves two sums, those of each weight and bias follow each other.
void lstm_backward(const LstmGradients& grad, const float* dout, const float* out, const float* x,
                   const LstmWeights& w, float* saved, const LstmShape& shape);

}  // namespace asterolab
