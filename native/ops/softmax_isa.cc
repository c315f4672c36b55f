// Cross-entropy, a row at a time: a few hundred classes a row, so one row is one task's work.
#include "vector_math.h"

#include "memory.h"
#include "parallel.h"
#include "softmax.h"

namespace asterolab::ASTEROLAB_ISA {

// -log softmax(z)[label] of one row; gradient, unless null, receives (softmax(z) - onehot) * factor.
static double row_loss(const float* z, float* gradient, int64_t classes, int64_t label, float factor, float* scratch) {
  float top = z[0];
  for (int64_t c = 1; c < classes; ++c) top = z[c] > top ? z[c] : top;
  float* weights = gradient ? gradient : scratch;
  double sum = 0;
  for (int64_t c = 0; c < classes; c += kLanes) {
    const int count = static_cast<int>(classes - c < kLanes ? classes - c : kLanes);
    const Vec e = exp(load_some(z + c, count) - top);
    store_some(weights + c, e, count);
    for (int i = 0; i < count; ++i) sum += e[i];
  }
  if (gradient) {
    const float normalise = static_cast<float>(factor / sum);
    for (int64_t c = 0; c < classes; ++c) gradient[c] *= normalise;
    gradient[label] -= factor;
  }
  return __builtin_log(sum) - (static_cast<double>(z[label]) - top);
}

double heads_cross_entropy(const Head* heads, int64_t count, const int32_t* labels, int64_t batch, int64_t whole) {
  int64_t widest = 0;
  for (int64_t h = 0; h < count; ++h) widest = heads[h].classes > widest ? heads[h].classes : widest;
  Workspace work;
  double* losses = reinterpret_cast<double*>(work.floats(2 * static_cast<size_t>(batch)));
  const float factor = 1.f / static_cast<float>(whole);
  parallel_for(batch, 8, [=](int64_t begin, int64_t end, int) {
    Workspace own;
    float* scratch = own.floats(widest);
    for (int64_t row = begin; row < end; ++row) {
      double loss = 0;
      for (int64_t h = 0; h < count; ++h) {
        const int64_t classes = heads[h].classes, first = row * classes;
        float* gradient = heads[h].gradient ? heads[h].gradient + first : nullptr;
        loss += row_loss(heads[h].logits + first, gradient, classes, labels[row * count + h], factor, scratch);
      }
      losses[row] = loss;
    }
  });
  double total = 0;
  for (int64_t row = 0; row < batch; ++row) total += losses[row];
  return total / static_cast<double>(whole);
}

}  // namespace asterolab::ASTEROLAB_ISA
