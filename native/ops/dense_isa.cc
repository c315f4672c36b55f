// The fully connected layer. The trunk's weights (25088 x 200, 20 MB) are what costs: each pass reads them once,
// unpacked, with the batch as the narrow side of the product.
#include "vector_math.h"

#include "dense.h"
#include "gemm.h"
#include "memory.h"
#include "panel.h"

namespace asterolab::ASTEROLAB_ISA {

void dense_forward(float* out, const float* x, const float* weight, const float* bias, const DenseShape& shape) {
  const int64_t batch = shape.batch, inputs = shape.inputs, outputs = shape.outputs;
  Workspace work;
  float* transposed = work.floats(static_cast<size_t>(outputs) * batch);  // [O, B]
  gemm(transposed, batch, weight, inputs, x, inputs, {outputs, batch, inputs, false, true});
  parallel_for(batch, 8, [=](int64_t begin, int64_t end, int) {
    for (int64_t b = begin; b < end; ++b) {
      float* row = out + b * outputs;
      for (int64_t o = 0; o < outputs; ++o) row[o] = transposed[o * batch + b] + bias[o];
      for (int64_t o = 0; shape.tanh && o < outputs; o += kLanes) {
        const int count = static_cast<int>(outputs - o < kLanes ? outputs - o : kLanes);
        store_some(row + o, tanh(load_some(row + o, count)), count);
      }
    }
  });
}

void dense_backward(const DenseGradients& grad, const float* dout, const float* out, const float* x,
                    const float* weight, const DenseShape& shape) {
  const int64_t batch = shape.batch, inputs = shape.inputs, outputs = shape.outputs;
  Workspace work;
  const float* dsum = dout;  // gradient before the activation [B, O]
  if (shape.tanh) {
    float* scaled = work.floats(static_cast<size_t>(batch) * outputs);
    for (int64_t i = 0; i < batch * outputs; ++i) scaled[i] = dout[i] * (1.f - out[i] * out[i]);
    dsum = scaled;
  }
  divided_column_sums(grad.bias, dsum, batch, 1, outputs, shape.division);
  gemm(grad.weight, inputs, dsum, outputs, x, inputs, {outputs, inputs, batch, true, false, false, &shape.division});

  const int64_t panels = (inputs + kPanel - 1) / kPanel;
  constexpr int64_t kRows = 32;
  parallel_for(panels, 1, [=](int64_t begin, int64_t end, int) {
    Workspace own;
    float* panel = own.floats(static_cast<size_t>(outputs) * kPanel);
    float* acc = own.floats(kRows * kPanel);
    for (int64_t j = begin; j < end; ++j) {
      const int64_t first = j * kPanel, columns = inputs - first < kPanel ? inputs - first : kPanel;
      copy_panel(panel, weight, inputs, outputs, first);
      for (int64_t b0 = 0; b0 < batch; b0 += kRows) {
        const int64_t rows = batch - b0 < kRows ? batch - b0 : kRows;
        std::memset(acc, 0, rows * kPanel * sizeof(float));
        panel_product(acc, dsum + b0 * outputs, outputs, panel, rows, outputs);
        for (int64_t r = 0; r < rows; ++r)
          std::memcpy(grad.x + (b0 + r) * inputs + first, acc + r * kPanel, columns * sizeof(float));
      }
    }
  });
}

}  // namespace asterolab::ASTEROLAB_ISA
