// Optimizer arithmetic over whole parameters.
#pragma once

#include <cstdint>

namespace asterolab {

/// Sum of squares of x [n], accumulated in double, in an order that depends on n only.
double sum_of_squares(const float* x, int64_t n);

/// torch.optim.Adam's scalars for one step, already rounded to float32 as PyTorch does.
struct AdamStep {
  float gradient_scale;  // multiplies the gradient first
  double beta1;          // 1 - beta1 and beta2 are taken in double
  double beta2;
  float step_size;   // lr / (1 - beta1^step)
  float correction;  // sqrt(1 - beta2^step)
  float epsilon;
};

/// In place, for n elements: m = lerp(m, g, 1 - beta1), v = beta2 v + (1 - beta2) g^2,
/// p -= step_size m / (sqrt(v) / correction + epsilon). The four arrays must not overlap.
void adam_update(float* parameter, float* first, float* second, const float* gradient, int64_t n,
                 const AdamStep& step);

}  // namespace asterolab
