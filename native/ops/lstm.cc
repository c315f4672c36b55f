// Dispatch of the LSTM.
#include "lstm.h"

#include "isa.h"

namespace asterolab {

ASTEROLAB_EACH_ISA(
    void lstm_forward(float* out, float* saved, const float* x, const LstmWeights& w, const LstmShape& shape);
    void lstm_backward(const LstmGradients& grad, const float* dout, const float* out, const float* x,
                       const LstmWeights& w, float* saved, const LstmShape& shape);)

void lstm_forward(float* out, float* saved, const float* x, const LstmWeights& w, const LstmShape& shape) {
  ASTEROLAB_CALL_ISA(lstm_forward(out, saved, x, w, shape));
}
void lstm_backward(const LstmGradients& grad, const float* dout, const float* out, const float* x,
                   const LstmWeights& w, float* saved, const LstmShape& shape) {
  ASTEROLAB_CALL_ISA(lstm_backward(grad, dout, out, x, w, saved, shape));
}

}  // namespace asterolab
