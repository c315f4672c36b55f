// The LSTM. Input projections and weight gradients are single large products over [B T]; only the recurrent product
// goes step by step, with the recurrent weights packed once into panels, gates and state update fused behind it.
#include "vector_math.h"

#include "gemm.h"
#include "lstm.h"
#include "memory.h"
#include "panel.h"

namespace asterolab::ASTEROLAB_ISA {

// Rows of the batch that one task takes at most.
constexpr int64_t kRows = 32;

static inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

// Distance between rows of a state buffer: whole vectors, and never a power of two that would make rows collide
// in the cache.
static inline int64_t padded(int64_t columns) { return (columns + kLanes - 1) / kLanes * kLanes + 16; }

// Calls step(s, panel, first row, end row) for every panel and row of step s = 0, 1, ..., steps - 1 in turn; rows are
// independent of each other, panels of a step only of each other. With enough rows each thread takes its own through
// all steps, so that threads never wait for each other; else they share out the panels of each step.
template <class Step>
static inline void for_each_step(int64_t steps, int64_t batch, int64_t panels, const Step& step) {
  const int64_t share = (batch + threads() - 1) / threads();
  if (share >= 8 || threads() == 1) {
    parallel_for(batch, share, [=](int64_t begin, int64_t end, int) {
      for (int64_t s = 0; s < steps; ++s)
        for (int64_t j = 0; j < panels; ++j)
          for (int64_t b = begin; b < end; b += kRows) step(s, j, b, lesser(b + kRows, end));
    });
    return;
  }
  const int64_t rows = lesser(batch, 8), groups = (batch + rows - 1) / rows;
  for (int64_t s = 0; s < steps; ++s)
    parallel_for(panels * groups, 1, [=](int64_t begin, int64_t end, int) {
      for (int64_t task = begin; task < end; ++task)
        step(s, task / groups, task % groups * rows, lesser(task % groups * rows + rows, batch));
    });
}

// Forward panel of kLanes units: [H, 4 gates, kLanes], so that one register block ends with all gates of its units.
static void pack_gates(float* panel, const float* hh, int64_t units, int64_t first) {
  for (int64_t k0 = 0; k0 < units; k0 += 16) {
    const int64_t k1 = lesser(k0 + 16, units);
    for (int gate = 0; gate < 4; ++gate) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const bool inside = first + lane < units;
        const float* row = hh + (gate * units + (inside ? first + lane : 0)) * units;
        for (int64_t k = k0; k < k1; ++k) panel[k * kPanel + gate * kLanes + lane] = inside ? row[k] : 0.f;
      }
    }
  }
}

void lstm_forward(float* out, float* saved, const float* x, const LstmWeights& w, const LstmShape& shape) {
  const int64_t batch = shape.batch, steps = shape.steps, units = shape.units;
  const int64_t panels = (units + kLanes - 1) / kLanes, stride = padded(units);
  const bool keep = saved != nullptr;
  Workspace work;
  float* gates = keep ? saved : work.floats(static_cast<size_t>(batch) * steps * 4 * units);  // [B, T, 4H]
  float* cells = keep ? saved + batch * steps * 4 * units : nullptr;                          // [B, T, H]
  gemm(gates, 4 * units, x, shape.inputs, w.ih, shape.inputs, {batch * steps, 4 * units, shape.inputs, false, true});

  float* packed = work.floats(static_cast<size_t>(panels) * units * kPanel);
  parallel_for(panels, 1, [=](int64_t begin, int64_t end, int) {
    for (int64_t j = begin; j < end; ++j) pack_gates(packed + j * units * kPanel, w.hh, units, j * kLanes);
  });
  float* bias = work.floats(4 * units);
  for (int64_t i = 0; i < 4 * units; ++i) bias[i] = w.bias_ih[i] + w.bias_hh[i];
  float* cell = work.floats(static_cast<size_t>(batch) * stride);
  float* const hidden_even = work.floats(static_cast<size_t>(batch) * stride);
  float* const hidden_odd = work.floats(static_cast<size_t>(batch) * stride);
  for_each_step(steps, batch, panels, [=](int64_t t, int64_t j, int64_t b0, int64_t b1) {
    const float* before = t % 2 ? hidden_odd : hidden_even;
    float* after = t % 2 ? hidden_even : hidden_odd;
    const int64_t unit = j * kLanes;
    const int count = static_cast<int>(lesser(kLanes, units - unit));
    alignas(64) float acc[kRows * kPanel];
    for (int64_t b = b0; b < b1; ++b)
      for (int g = 0; g < 4; ++g)
        store(acc + (b - b0) * kPanel + g * kLanes, load_some(gates + ((b * steps + t) * 4 + g) * units + unit, count));
    if (t > 0) panel_product(acc, before + b0 * stride, stride, packed + j * units * kPanel, b1 - b0, units);
    Vec shift[4];
    for (int g = 0; g < 4; ++g) shift[g] = load_some(bias + g * units + unit, count);
    for (int64_t b = b0; b < b1; ++b) {
      const float* sum = acc + (b - b0) * kPanel;
      const Vec in = sigmoid(load(sum) + shift[0]), forget = sigmoid(load(sum + kLanes) + shift[1]);
      const Vec candidate = tanh(load(sum + 2 * kLanes) + shift[2]);
      const Vec output = sigmoid(load(sum + 3 * kLanes) + shift[3]);
      float* state = cell + b * stride + unit;
      const Vec c = t > 0 ? forget * load(state) + in * candidate : in * candidate;
      const Vec h = output * tanh(c);
      store(state, c);
      store(after + b * stride + unit, h);
      const int64_t at = b * steps + t;
      store_some(out + at * units + unit, h, count);
      if (!keep) continue;
      float* row = gates + at * 4 * units + unit;
      store_some(row, in, count);
      store_some(row + units, forget, count);
      store_some(row + 2 * units, candidate, count);
      store_some(row + 3 * units, output, count);
      store_some(cells + at * units + unit, c, count);
    }
  });
}

// Gradients of one step's gates before their activations, for `count` units of one row; gates are replaced by them.
struct StepBack {
  const float *dout, *cell, *cell_before;  // cell_before null at the first step
  float *gates, *dcell, *dgates;           // dgates: the copy that the step before multiplies
  int64_t units;
};
static inline void step_back(const StepBack& s, Vec recurrent, int64_t c, int count, bool last) {
  const int64_t n = s.units;
  const Vec in = load_some(s.gates + c, count), forget = load_some(s.gates + n + c, count);
  const Vec candidate = load_some(s.gates + 2 * n + c, count), output = load_some(s.gates + 3 * n + c, count);
  const Vec before = s.cell_before ? load_some(s.cell_before + c, count) : Vec{};
  const Vec squashed = tanh(load_some(s.cell + c, count));
  const Vec dhidden = load_some(s.dout + c, count) + recurrent;
  Vec dcell = dhidden * output * (1.f - squashed * squashed);
  if (!last) dcell += load(s.dcell + c);
  store(s.dcell + c, dcell * forget);
  const Vec d[4] = {dcell * candidate * in * (1.f - in), dcell * before * forget * (1.f - forget),
                    dcell * in * (1.f - candidate * candidate), dhidden * squashed * output * (1.f - output)};
  for (int g = 0; g < 4; ++g) {
    store_some(s.gates + g * n + c, d[g], count);
    store_some(s.dgates + g * n + c, d[g], count);
  }
}

void lstm_backward(const LstmGradients& grad, const float* dout, const float* out, const float* x,
                   const LstmWeights& w, float* saved, const LstmShape& shape) {
  const int64_t batch = shape.batch, steps = shape.steps, units = shape.units, inputs = shape.inputs;
  const int64_t panels = (units + kPanel - 1) / kPanel;
  const int64_t cell_stride = padded(panels * kPanel), gate_stride = padded(4 * units);
  float* gates = saved;  // [B, T, 4H]: activated gates become their gradients
  const float* cells = saved + batch * steps * 4 * units;
  Workspace work;
  float* packed = work.floats(static_cast<size_t>(panels) * 4 * units * kPanel);
  parallel_for(panels, 1, [=](int64_t begin, int64_t end, int) {
    for (int64_t j = begin; j < end; ++j) copy_panel(packed + j * 4 * units * kPanel, w.hh, units, 4 * units, j * kPanel);
  });
  float* dcell = work.floats(static_cast<size_t>(batch) * cell_stride);
  float* const dgates_even = work.floats(static_cast<size_t>(batch) * gate_stride);
  float* const dgates_odd = work.floats(static_cast<size_t>(batch) * gate_stride);

  for_each_step(steps, batch, panels, [=](int64_t s, int64_t j, int64_t b0, int64_t b1) {
    const int64_t t = steps - 1 - s, unit = j * kPanel;
    const bool last = s == 0;
    const float* later = s % 2 ? dgates_odd : dgates_even;
    float* now = s % 2 ? dgates_even : dgates_odd;
    alignas(64) float acc[kRows * kPanel];
    std::memset(acc, 0, (b1 - b0) * kPanel * sizeof(float));
    if (!last)
      panel_product(acc, later + b0 * gate_stride, gate_stride, packed + j * 4 * units * kPanel, b1 - b0, 4 * units);
    for (int64_t b = b0; b < b1; ++b) {
      const int64_t at = b * steps + t;
      const StepBack step{dout + at * units,       cells + at * units,      t > 0 ? cells + (at - 1) * units : nullptr,
                          gates + at * 4 * units, dcell + b * cell_stride, now + b * gate_stride,
                          units};
      for (int v = 0; v < 4 && unit + v * kLanes < units; ++v)
        step_back(step, load(acc + (b - b0) * kPanel + v * kLanes), unit + v * kLanes,
                  static_cast<int>(lesser(kLanes, units - unit - v * kLanes)), last);
    }
  });

  // h_{t-1} of every step, zero at the first: [B, T, H].
  float* before = work.floats(static_cast<size_t>(batch) * steps * units);
  parallel_for(batch, 1, [=](int64_t begin, int64_t end, int) {
    for (int64_t b = begin; b < end; ++b) {
      float* row = before + b * steps * units;
      std::memset(row, 0, units * sizeof(float));
      std::memcpy(row + units, out + b * steps * units, (steps - 1) * units * sizeof(float));
    }
  });
  const int64_t all = batch * steps;
  const Division& division = shape.division;
  divided_column_sums(grad.bias_ih, gates, batch, steps, 4 * units, division);
  std::memcpy(grad.bias_hh, grad.bias_ih, leaves_of(division) * 4 * units * sizeof(float));
  gemm(grad.ih, inputs, gates, 4 * units, x, inputs, {4 * units, inputs, all, true, false, false, &division, steps});
  gemm(grad.hh, units, gates, 4 * units, before, units, {4 * units, units, all, true, false, false, &division, steps});
  gemm(grad.x, inputs, gates, 4 * units, w.ih, inputs, {all, inputs, 4 * units, false, false});
}

}  // namespace asterolab::ASTEROLAB_ISA
