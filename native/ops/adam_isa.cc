// Adam and the gradient norm: one pass through memory each.
#include "simd.h"

#include "adam.h"
#include "memory.h"
#include "parallel.h"

namespace asterolab::ASTEROLAB_ISA {

constexpr int64_t kGrain = 16384;

double sum_of_squares(const float* x, int64_t n) {
  constexpr int kParts = 16;  // independent sums, so that the additions overlap
  const int64_t chunks = (n + kGrain - 1) / kGrain;
  Workspace work;
  double* partial = reinterpret_cast<double*>(work.floats(2 * static_cast<size_t>(chunks)));
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end, int) {
    double sums[kParts] = {};
    int64_t i = begin;
    for (; i + kParts <= end; i += kParts)
      for (int j = 0; j < kParts; ++j) sums[j] += static_cast<double>(x[i + j]) * x[i + j];
    for (int j = 0; i < end; ++i, ++j) sums[j] += static_cast<double>(x[i]) * x[i];
    double sum = 0;
    for (double s : sums) sum += s;
    partial[begin / kGrain] = sum;
  });
  double sum = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += partial[chunk];
  return sum;
}

void adam_update(float* parameter, float* first, float* second, const float* gradient, int64_t n,
                 const AdamStep& step) {
  const float weight = static_cast<float>(1 - step.beta1), rest = static_cast<float>(1 - (1 - step.beta1));
  const float decay = static_cast<float>(step.beta2), gain = static_cast<float>(1 - step.beta2);
  const bool near_first = weight < 0.5f;  // torch.lerp takes the form that is exact at the nearer end
  const float factor = -step.step_size, correction = step.correction, epsilon = step.epsilon;
  const float scale = step.gradient_scale;
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end, int) {
    float* __restrict p = parameter;
    float* __restrict m = first;
    float* __restrict v = second;
    const float* __restrict g = gradient;
    const auto update = [=](int64_t i, float g_i, float m_i) {
      const float v_i = v[i] * decay + gain * g_i * g_i;
      m[i] = m_i;
      v[i] = v_i;
      p[i] += factor * m_i / (__builtin_sqrtf(v_i) / correction + epsilon);
    };
    if (near_first) {
      for (int64_t i = begin; i < end; ++i) {
        const float g_i = g[i] * scale;
        update(i, g_i, m[i] + weight * (g_i - m[i]));
      }
    } else {
      for (int64_t i = begin; i < end; ++i) {
        const float g_i = g[i] * scale;
        update(i, g_i, g_i - (g_i - m[i]) * rest);
      }
    }
  });
}

}  // namespace asterolab::ASTEROLAB_ISA
