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

// What one element needs of AdamStep, in float32 as PyTorch's tensors see it.
struct Factors {
  float scale, weight, rest, decay, gain, step_size, correction, epsilon;
};

// NearFirst: weight < 1/2. torch.lerp takes the form that is exact at the nearer end.
template <bool NearFirst>
static inline void update(float* __restrict p, float* __restrict m, float* __restrict v, const float* __restrict g,
                          int64_t n, const Factors f) {
  for (int64_t i = 0; i < n; ++i) {
    const float g_i = g[i] * f.scale;
    const float m_i = NearFirst ? m[i] + f.weight * (g_i - m[i]) : g_i - (g_i - m[i]) * f.rest;
    const float v_i = v[i] * f.decay + f.gain * g_i * g_i;
    m[i] = m_i;
    v[i] = v_i;
    p[i] -= f.step_size * m_i / (__builtin_sqrtf(v_i) / f.correction + f.epsilon);
  }
}

void adam_update(float* parameter, float* first, float* second, const float* gradient, int64_t n,
                 const AdamStep& step) {
  const double weight = 1 - step.beta1;
  const Factors factors{step.gradient_scale,
                        static_cast<float>(weight),
                        static_cast<float>(1 - weight),
                        static_cast<float>(step.beta2),
                        static_cast<float>(1 - step.beta2),
                        step.step_size,
                        step.correction,
                        step.epsilon};
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end, int) {
    const auto range = weight < 0.5 ? update<true> : update<false>;
    range(parameter + begin, first + begin, second + begin, gradient + begin, end - begin, factors);
  });
}

}  // namespace asterolab::ASTEROLAB_ISA
