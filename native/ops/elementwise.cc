// Dispatch of the elementwise ops.
#include "elementwise.h"

#include <cstring>

#include "isa.h"

namespace asterolab {

ASTEROLAB_EACH_ISA(
    void log_forward(float* out, const float* x, int64_t n);
    void log_backward(float* dx, const float* dout, const float* x, int64_t n);
    void dropout(float* out, const float* x, const DropoutMask& mask, int64_t n);
    void add(float* out, const float* a, const float* b, int64_t n, int64_t period);
    void scale(float* out, const float* a, float factor, int64_t n);
    void apply_exp(float* out, const float* x, int64_t n);
    void apply_tanh(float* out, const float* x, int64_t n);
    void apply_sigmoid(float* out, const float* x, int64_t n);)

void log_forward(float* out, const float* x, int64_t n) { ASTEROLAB_CALL_ISA(log_forward(out, x, n)); }
void log_backward(float* dx, const float* dout, const float* x, int64_t n) {
  ASTEROLAB_CALL_ISA(log_backward(dx, dout, x, n));
}
void dropout(float* out, const float* x, const DropoutMask& mask, int64_t n) {
  ASTEROLAB_CALL_ISA(dropout(out, x, mask, n));
}
void add(float* out, const float* a, const float* b, int64_t n, int64_t period) {
  ASTEROLAB_CALL_ISA(add(out, a, b, n, period));
}
void scale(float* out, const float* a, float factor, int64_t n) { ASTEROLAB_CALL_ISA(scale(out, a, factor, n)); }

static void apply_exp(float* out, const float* x, int64_t n) { ASTEROLAB_CALL_ISA(apply_exp(out, x, n)); }
static void apply_tanh(float* out, const float* x, int64_t n) { ASTEROLAB_CALL_ISA(apply_tanh(out, x, n)); }
static void apply_sigmoid(float* out, const float* x, int64_t n) { ASTEROLAB_CALL_ISA(apply_sigmoid(out, x, n)); }

bool apply_function(float* out, const float* x, int64_t n, const char* name) {
  const struct {
    const char* name;
    void (*call)(float*, const float*, int64_t);
  } functions[] = {{"exp", apply_exp}, {"log", log_forward}, {"tanh", apply_tanh}, {"sigmoid", apply_sigmoid}};
  for (const auto& function : functions) {
    if (std::strcmp(function.name, name) != 0) continue;
    function.call(out, x, n);
    return true;
  }
  return false;
}

}  // namespace asterolab
