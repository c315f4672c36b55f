// Elementwise ops: memory speed is the limit, so plain loops and vector_math.h do.
#include "vector_math.h"

#include "elementwise.h"
#include "parallel.h"

namespace asterolab::ASTEROLAB_ISA {

// Elements a thread takes at a time: 64 KiB of input, far more work than handing it out.
constexpr int64_t kGrain = 16384;

template <class Function>
static inline void map(float* out, const float* x, int64_t n, const Function& function) {
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end, int) {
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) store(out + i, function(load(x + i)));
    const int rest = static_cast<int>(end - i);
    if (rest > 0) store_some(out + i, function(load_some(x + i, rest)), rest);
  });
}

void log_forward(float* out, const float* x, int64_t n) {
  map(out, x, n, [](Vec v) { return log(v); });
}
void apply_exp(float* out, const float* x, int64_t n) {
  map(out, x, n, [](Vec v) { return exp(v); });
}
void apply_tanh(float* out, const float* x, int64_t n) {
  map(out, x, n, [](Vec v) { return tanh(v); });
}
void apply_sigmoid(float* out, const float* x, int64_t n) {
  map(out, x, n, [](Vec v) { return sigmoid(v); });
}

void log_backward(float* dx, const float* dout, const float* x, int64_t n) {
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) dx[i] = dout[i] / x[i];
  });
}

typedef uint32_t VecWord __attribute__((vector_size(kLanes * 4)));

// Finaliser of MurmurHash3, as mix32 in src/random.ts.
static inline VecWord mix(VecWord word) {
  word ^= word >> 16;
  word *= 0x85ebca6bu;
  word ^= word >> 13;
  word *= 0xc2b2ae35u;
  return word ^ (word >> 16);
}

void dropout(float* out, const float* x, const DropoutMask& mask, int64_t n) {
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end, int) {
    VecWord index;
    for (int lane = 0; lane < kLanes; ++lane) index[lane] = static_cast<uint32_t>(begin) + lane;
    for (int64_t i = begin; i < end; i += kLanes, index += static_cast<uint32_t>(kLanes)) {
      const VecWord word = mix(mix(index * 0x9e3779b9u + mask.first) ^ mask.second);
      const Vec factor = word < mask.threshold ? Vec{} : splat(mask.factor);
      const int count = static_cast<int>(end - i < kLanes ? end - i : kLanes);
      store_some(out + i, load_some(x + i, count) * factor, count);
    }
  });
}

void add(float* out, const float* a, const float* b, int64_t n, int64_t period) {
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end;) {
      const int64_t start = i % period;
      const int64_t stop = period - start < end - i ? i + period - start : end;
      const float* addend = b + start - i;
      for (; i < stop; ++i) out[i] = a[i] + addend[i];
    }
  });
}

void scale(float* out, const float* a, float factor, int64_t n) {
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) out[i] = a[i] * factor;
  });
}

}  // namespace asterolab::ASTEROLAB_ISA
