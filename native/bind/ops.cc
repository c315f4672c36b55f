// The ops as JavaScript calls them: op({name: value, ...}), named as in src/engine/native/addon.ts.
#include "ops.h"

#include <cmath>
#include <vector>

#include "../ops/adam.h"
#include "../ops/conv_block.h"
#include "../ops/dense.h"
#include "../ops/elementwise.h"
#include "../ops/gemm.h"
#include "../ops/lstm.h"
#include "../ops/softmax.h"
#include "arguments.h"

namespace asterolab {
namespace {

using Info = Napi::CallbackInfo;

ConvBlockShape conv_block_shape(Arguments& a) {
  const ConvBlockShape shape{a.size("batch"), a.size("length"), a.size("inChannels"), a.size("outChannels"),
                             a.size("kernel"), a.division("division", a.size("batch"))};
  if (!shape.valid()) a.fail_range("kernel must be odd, got " + std::to_string(shape.kernel));
  return shape;
}

ConvBlockWeights conv_block_weights(Arguments& a, const ConvBlockShape& s) {
  return {a.input("weight", product({s.out_channels, s.in_channels, s.kernel})), a.input("bias", s.out_channels),
          a.input("scale", s.out_channels), a.input("shift", s.out_channels)};
}

Napi::Value ConvBlockSavedSize(const Info& info) {
  Arguments a(info, "convBlockSavedSize");
  return Napi::Number::New(a.env(), static_cast<double>(conv_block_saved_size(conv_block_shape(a))));
}

Napi::Value ConvBlockFlop(const Info& info) {
  Arguments a(info, "convBlockFlop");
  const ConvBlockShape s = conv_block_shape(a);
  return Napi::Number::New(a.env(), conv_block_flop(s, a.flag("backward"), a.flag("wantsDx")));
}

void MatrixProduct(const Info& info) {
  Arguments a(info, "matrixProduct");
  const int64_t m = a.size("m"), n = a.size("n"), k = a.size("k");
  float* out = a.output("out", product({m, n}));
  const float* left = a.input("a", product({m, k}));
  gemm(out, n, left, k, a.input("b", product({k, n})), n, {m, n, k});
}

void ConvBlockForward(const Info& info) {
  Arguments a(info, "convBlockForward");
  const ConvBlockShape s = conv_block_shape(a);
  float* out = a.output("out", product({s.batch, s.out_length(), s.out_channels}));
  float* saved = a.maybe_output("saved", static_cast<int64_t>(conv_block_saved_size(s)));
  const float* x = a.input("x", product({s.batch, s.length, s.in_channels}));
  conv_block_forward(out, saved, x, conv_block_weights(a, s), s);
}

void ConvBlockBackward(const Info& info) {
  Arguments a(info, "convBlockBackward");
  const ConvBlockShape s = conv_block_shape(a);
  float* dx = a.maybe_output("dx", product({s.batch, s.length, s.in_channels}));
  const int64_t leaves = leaves_of(s.division);
  const ConvBlockGradients grad{a.output("dweight", product({leaves, s.out_channels, s.in_channels, s.kernel})),
                                a.output("dbias", leaves * s.out_channels), a.output("dscale", leaves * s.out_channels),
                                a.output("dshift", leaves * s.out_channels)};
  const float* dout = a.input("dout", product({s.batch, s.out_length(), s.out_channels}));
  const float* x = a.input("x", product({s.batch, s.length, s.in_channels}));
  const float* saved = a.input("saved", static_cast<int64_t>(conv_block_saved_size(s)));
  conv_block_backward(dx, grad, dout, x, conv_block_weights(a, s), saved, s);
}

LstmShape lstm_shape(Arguments& a) {
  return {a.size("batch"), a.size("steps"), a.size("inputs"), a.size("units"), a.division("division", a.size("batch"))};
}

LstmWeights lstm_weights(Arguments& a, const LstmShape& s) {
  return {a.input("weightIh", product({4, s.units, s.inputs})), a.input("weightHh", product({4, s.units, s.units})),
          a.input("biasIh", 4 * s.units), a.input("biasHh", 4 * s.units)};
}

void LstmForward(const Info& info) {
  Arguments a(info, "lstmForward");
  const LstmShape s = lstm_shape(a);
  float* out = a.output("out", product({s.batch, s.steps, s.units}));
  float* saved = a.maybe_output("saved", product({s.batch, s.steps, s.units, 5}));
  const float* x = a.input("x", product({s.batch, s.steps, s.inputs}));
  lstm_forward(out, saved, x, lstm_weights(a, s), s);
}

void LstmBackward(const Info& info) {
  Arguments a(info, "lstmBackward");
  const LstmShape s = lstm_shape(a);
  const int64_t leaves = leaves_of(s.division);
  const LstmGradients grad{a.output("dx", product({s.batch, s.steps, s.inputs})),
                           a.output("dweightIh", product({leaves, 4, s.units, s.inputs})),
                           a.output("dweightHh", product({leaves, 4, s.units, s.units})),
                           a.output("dbiasIh", product({leaves, 4, s.units})),
                           a.output("dbiasHh", product({leaves, 4, s.units}))};
  const float* dout = a.input("dout", product({s.batch, s.steps, s.units}));
  const float* out = a.input("out", product({s.batch, s.steps, s.units}));
  const float* x = a.input("x", product({s.batch, s.steps, s.inputs}));
  float* saved = a.output("saved", product({s.batch, s.steps, s.units, 5}));
  lstm_backward(grad, dout, out, x, lstm_weights(a, s), saved, s);
}

DenseShape dense_shape(Arguments& a) {
  return {a.size("batch"), a.size("inputs"), a.size("outputs"), a.flag("tanh"), a.division("division", a.size("batch"))};
}

void DenseForward(const Info& info) {
  Arguments a(info, "denseForward");
  const DenseShape s = dense_shape(a);
  float* out = a.output("out", product({s.batch, s.outputs}));
  const float* x = a.input("x", product({s.batch, s.inputs}));
  const float* weight = a.input("weight", product({s.outputs, s.inputs}));
  dense_forward(out, x, weight, a.input("bias", s.outputs), s);
}

void DenseBackward(const Info& info) {
  Arguments a(info, "denseBackward");
  const DenseShape s = dense_shape(a);
  const int64_t leaves = leaves_of(s.division);
  const DenseGradients grad{a.output("dx", product({s.batch, s.inputs})),
                            a.output("dweight", product({leaves, s.outputs, s.inputs})),
                            a.output("dbias", leaves * s.outputs)};
  const float* dout = a.input("dout", product({s.batch, s.outputs}));
  const float* out = a.input("out", product({s.batch, s.outputs}));
  const float* x = a.input("x", product({s.batch, s.inputs}));
  dense_backward(grad, dout, out, x, a.input("weight", product({s.outputs, s.inputs})), s);
}

void LogForward(const Info& info) {
  Arguments a(info, "logForward");
  const int64_t n = a.size("size");
  float* out = a.output("out", n);
  log_forward(out, a.input("x", n), n);
}

void LogBackward(const Info& info) {
  Arguments a(info, "logBackward");
  const int64_t n = a.size("size");
  float* dx = a.output("dx", n);
  const float* dout = a.input("dout", n);
  log_backward(dx, dout, a.input("x", n), n);
}

void Dropout(const Info& info) {
  Arguments a(info, "dropout");
  const int64_t n = a.size("size");
  const DropoutMask mask{a.word("first"), a.word("second"), a.word("threshold"), static_cast<float>(a.number("factor"))};
  float* out = a.output("out", n);
  dropout(out, a.input("x", n), mask, n);
}

void Add(const Info& info) {
  Arguments a(info, "add");
  const int64_t n = a.size("size"), period = a.size("period");
  if (n % period != 0) a.fail_range("size must be a multiple of period, got " + std::to_string(n));
  float* out = a.output("out", n);
  const float* left = a.input("a", n);
  add(out, left, a.input("b", period), n, period);
}

void Scale(const Info& info) {
  Arguments a(info, "scale");
  const int64_t n = a.size("size");
  const double factor = a.number("factor");
  float* out = a.output("out", n);
  scale(out, a.input("a", n), static_cast<float>(factor), n);
}

void ApplyFunction(const Info& info) {
  Arguments a(info, "applyFunction");
  const int64_t n = a.size("size");
  const std::string name = a.text("name");
  float* out = a.output("out", n);
  if (!apply_function(out, a.input("x", n), n, name.c_str()))
    a.fail_range("name must be exp, log, tanh or sigmoid, got " + name);
}

Napi::Value HeadsCrossEntropy(const Info& info) {
  Arguments a(info, "headsCrossEntropy");
  const int64_t batch = a.size("batch"), whole = a.maybe_size("whole", batch);
  const uint32_t count = a.count("logits");
  if (count == 0) a.fail_range("logits must hold at least one head");
  const bool backward = a.flag("backward");
  if (backward && a.count("gradients") != count) a.fail_range("gradients must go with logits, one array per head");
  std::vector<Head> heads;
  for (uint32_t h = 0; h < count; ++h) {
    const int64_t length = a.length("logits", h);
    if (length % batch != 0) a.fail_range("logits[" + std::to_string(h) + "] must hold whole rows of batch rows");
    heads.push_back({a.input("logits", h, length), backward ? a.output("gradients", h, length) : nullptr, length / batch});
  }
  const int32_t* labels = a.input_integers("labels", product({batch, count}));
  for (int64_t i = 0; i < batch * count; ++i) {
    const int64_t classes = heads[i % count].classes;
    if (labels[i] < 0 || labels[i] >= classes)
      a.fail_range("the label of row " + std::to_string(i / count) + ", head " + std::to_string(i % count) +
                   " must be in [0, " + std::to_string(classes - 1) + "], got " + std::to_string(labels[i]));
  }
  return Napi::Number::New(a.env(), heads_cross_entropy(heads.data(), count, labels, batch, whole));
}

Napi::Value SumOfSquares(const Info& info) {
  Arguments a(info, "sumOfSquares");
  double total = 0;
  const uint32_t count = a.count("arrays");
  for (uint32_t i = 0; i < count; ++i) {
    const int64_t n = a.length("arrays", i);
    total += sum_of_squares(a.input("arrays", i, n), n);
  }
  return Napi::Number::New(a.env(), total);
}

void AdamUpdate(const Info& info) {
  Arguments a(info, "adamUpdate");
  const double step = static_cast<double>(a.size("step")), rate = a.number("learningRate");
  const double beta1 = a.number("beta1"), beta2 = a.number("beta2");
  if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) a.fail_range("beta1 and beta2 must be in [0, 1)");
  const AdamStep scalars{static_cast<float>(a.number("gradientScale")),
                         beta1,
                         beta2,
                         static_cast<float>(rate / (1 - std::pow(beta1, step))),
                         static_cast<float>(std::sqrt(1 - std::pow(beta2, step))),
                         static_cast<float>(a.number("epsilon"))};
  struct Tensor {
    float *parameter, *first, *second;
    const float* gradient;
    int64_t size;
  };
  const uint32_t count = a.count("parameters");
  for (const char* list : {"gradients", "firstMoments", "secondMoments"})
    if (a.count(list) != count) a.fail_range(std::string(list) + " must go with parameters, one array each");
  std::vector<Tensor> tensors;  // all are checked before the first is changed
  for (uint32_t i = 0; i < count; ++i) {
    const int64_t n = a.length("parameters", i);
    tensors.push_back({a.output("parameters", i, n), a.output("firstMoments", i, n), a.output("secondMoments", i, n),
                       a.input("gradients", i, n), n});
  }
  for (const Tensor& t : tensors) adam_update(t.parameter, t.first, t.second, t.gradient, t.size, scalars);
}

}  // namespace

void export_ops(Napi::Env env, Napi::Object exports) {
  const auto value = [&](const char* name, Napi::Value (*op)(const Info&)) {
    exports.Set(name, Napi::Function::New(env, op, name));
  };
  const auto effect = [&](const char* name, void (*op)(const Info&)) {
    exports.Set(name, Napi::Function::New(env, op, name));
  };
  value("convBlockSavedSize", ConvBlockSavedSize);
  value("convBlockFlop", ConvBlockFlop);
  effect("matrixProduct", MatrixProduct);
  effect("convBlockForward", ConvBlockForward);
  effect("convBlockBackward", ConvBlockBackward);
  effect("lstmForward", LstmForward);
  effect("lstmBackward", LstmBackward);
  effect("denseForward", DenseForward);
  effect("denseBackward", DenseBackward);
  effect("logForward", LogForward);
  effect("logBackward", LogBackward);
  effect("dropout", Dropout);
  effect("add", Add);
  effect("scale", Scale);
  effect("applyFunction", ApplyFunction);
  value("headsCrossEntropy", HeadsCrossEntropy);
  value("sumOfSquares", SumOfSquares);
  effect("adamUpdate", AdamUpdate);
}

}  // namespace asterolab
