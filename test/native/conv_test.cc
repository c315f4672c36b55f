// The convolution block against its double-precision reference, and the reference against finite differences.
//
// Gradients are compared for the float forward's own choice of ReLU sign and pool maximum wherever float and double
// agree on them; to keep them in agreement, inputs are drawn so that ties are either exact (ReLU's zeros) or
// improbable.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "conv_reference.h"
#include "isa.h"
#include "memory.h"
#include "parallel.h"

using namespace asterolab;

static int failures = 0, checks = 0;

static void expect(bool ok, const char* what, const ConvBlockShape& s, double value) {
  ++checks;
  if (ok) return;
  ++failures;
  std::printf("FAIL %s: %s %g, B %ld L %ld Cin %ld Cout %ld K %ld, %d threads\n", isa_name(), what, value, long(s.batch),
              long(s.length), long(s.in_channels), long(s.out_channels), long(s.kernel), threads());
}

/// A float buffer with guard values on both sides, filled with NaN. Every other size starts on a 64-byte boundary, the
/// rest off one.
struct Guarded {
  std::vector<float> all;
  size_t count, start;
  static constexpr size_t kGuard = 64;
  explicit Guarded(size_t n) : all(n + 2 * kGuard + 32, 12345.f), count(n) {
    const size_t off = reinterpret_cast<uintptr_t>(all.data()) / 4 % 16;
    start = kGuard + (16 - off) % 16 + (n % 2 ? 3 : 0);
    for (size_t i = 0; i < n; ++i) data()[i] = NAN;
  }
  float* data() { return all.data() + start; }
  bool intact() const {
    for (size_t i = 0; i < all.size(); ++i)
      if ((i < start || i >= start + count) && all[i] != 12345.f) return false;
    return true;
  }
};

static double root_mean_square(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v * v;
  return std::sqrt(sum / values.size());
}

/// Largest difference over the root mean square of what is expected, or of what float rounding worked on where that is
/// larger. Infinite when a number is missing.
static double distance(Guarded& actual, const std::vector<double>& expected, const std::vector<double>& noise) {
  const double scale = std::fmax(root_mean_square(expected), root_mean_square(noise)) + 1e-30;
  double worst = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double d = std::fabs(actual.data()[i] - expected[i]);
    if (!(d <= worst)) worst = std::isnan(d) ? INFINITY : d;
  }
  return worst / scale;
}

struct Case {
  ConvBlockShape s;
  std::vector<double> x, weight, bias, scale, shift, dout;
  std::vector<float> fx, fweight, fbias, fscale, fshift, fdout;

  explicit Case(const ConvBlockShape& shape, unsigned seed = 1, double offset = 0) : s(shape) {
    std::mt19937 random(seed + static_cast<unsigned>(s.length * 7 + s.in_channels * 13 + s.out_channels));
    std::normal_distribution<float> normal(0, 1);
    auto fill = [&](std::vector<double>& d, std::vector<float>& f, int64_t n, double factor, double add) {
      d.resize(n), f.resize(n);
      for (int64_t i = 0; i < n; ++i) d[i] = f[i] = static_cast<float>(normal(random) * factor + add);
    };
    const double fan = 1 / std::sqrt(static_cast<double>(s.in_channels * s.kernel));
    fill(x, fx, s.batch * s.length * s.in_channels, 1, offset);
    fill(weight, fweight, s.out_channels * s.in_channels * s.kernel, fan, 0);
    fill(bias, fbias, s.out_channels, 0.3, 0);
    fill(scale, fscale, s.out_channels, 0.7, 0.4);  // some negative
    fill(shift, fshift, s.out_channels, 0.5, 0);
    fill(dout, fdout, s.batch * s.out_length() * s.out_channels, 1, 0);
    if (s.out_channels > 2) scale[1] = fscale[1] = 0;  // a dead scale: every value ties
  }
  ConvBlockWeights weights() const { return {fweight.data(), fbias.data(), fscale.data(), fshift.data()}; }
};

/// Positions whose ReLU sign or pool maximum float rounding may turn: there the two gradients rightly differ, so dout
/// is cleared around them.
static void clear_near_ties(Case& c, const ConvReference& r) {
  const ConvBlockShape& s = c.s;
  const double close = 2e-5;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t ch = 0; ch < s.out_channels; ++ch)
      for (int64_t j = 0; j < s.out_length(); ++j) {
        bool near = false;
        for (int64_t p = 3 * j - 2; p <= 3 * j + 2; ++p)
          for (int64_t q = p + 1; q <= p + 2 && q <= 3 * j + 2; ++q) {
            if (p < 0 || q >= s.length) continue;
            const double a = r.pre[r.at(n, p, ch)], b = r.pre[r.at(n, q, ch)];
            if (c.scale[ch] != 0 && (a > -close || b > -close) && std::fabs(a - b) < close) near = true;
            if (std::fabs(a) < close || std::fabs(b) < close) near = true;
          }
        if (near) {
          const int64_t i = (n * s.out_length() + j) * s.out_channels + ch;
          c.dout[i] = c.fdout[i] = 0;
        }
      }
}

static ConvReference reference_of(Case& c) {
  ConvReference r{c.s, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  r.forward(c.x.data(), c.weight.data(), c.bias.data(), c.scale.data(), c.shift.data());
  clear_near_ties(c, r);
  r.backward(c.dout.data(), c.x.data(), c.weight.data(), c.scale.data());
  return r;
}

static void compare(const Case& c, const ConvReference& r, double tolerance) {
  const ConvBlockShape& s = c.s;
  ConvReference noise = r;
  noise.backward(c.dout.data(), c.x.data(), c.weight.data(), c.scale.data(), true);
  std::vector<double> before(r.pre.size());  // terms of z
  for (size_t i = 0; i < before.size(); ++i) {
    const size_t ch = i % s.out_channels, n = i / (s.length * s.out_channels);
    before[i] = c.scale[ch] * r.inverse[n * s.out_channels + ch] * (std::fabs(r.pre[i]) + std::fabs(c.bias[ch]));
  }
  Guarded out(r.out.size()), inference(r.out.size()), saved(conv_block_saved_size(s));
  conv_block_forward(out.data(), saved.data(), c.fx.data(), c.weights(), s);
  conv_block_forward(inference.data(), nullptr, c.fx.data(), c.weights(), s);
  double d = distance(out, r.out, before);
  expect(d < tolerance, "out differs by", s, d);
  expect(!std::memcmp(out.data(), inference.data(), out.count * sizeof(float)), "inference differs from training", s, 0);
  Guarded dx(r.dx.size()), dw(r.dweight.size()), db(r.dbias.size()), dscale(r.dscale.size()), dshift(r.dshift.size());
  conv_block_backward(dx.data(), {dw.data(), db.data(), dscale.data(), dshift.data()}, c.fdout.data(), c.fx.data(),
      c.weights(),
                      saved.data(), s);
  d = distance(dx, r.dx, noise.dx);
  expect(d < tolerance, "dx differs by", s, d);
  d = distance(dw, r.dweight, noise.dweight);
  expect(d < tolerance, "dweight differs by", s, d);
  d = distance(db, r.dbias, noise.dbias);
  expect(d < tolerance, "dbias differs by", s, d);
  d = distance(dscale, r.dscale, noise.dscale);
  expect(d < tolerance, "dscale differs by", s, d);
  d = distance(dshift, r.dshift, noise.dshift);
  expect(d < tolerance, "dshift differs by", s, d);
  Guarded dw2(r.dweight.size());
  conv_block_backward(nullptr, {dw2.data(), db.data(), dscale.data(), dshift.data()}, c.fdout.data(), c.fx.data(),
      c.weights(),
                      saved.data(), s);
  expect(!std::memcmp(dw.data(), dw2.data(), dw.count * sizeof(float)), "dweight depends on dx being asked for", s, 0);
  expect(out.intact() && saved.intact() && inference.intact() && dx.intact() && dw.intact() && db.intact()
      && dscale.intact() &&
             dshift.intact(),
         "wrote outside an output", s, 0);
}

static uint64_t fingerprint(const Case& c) {
  const ConvBlockShape& s = c.s;
  Guarded out(c.fdout.size()), saved(conv_block_saved_size(s)), dx(c.fx.size()), dw(c.fweight.size()),
      rest(3 * s.out_channels);
  conv_block_forward(out.data(), saved.data(), c.fx.data(), c.weights(), s);
  conv_block_backward(dx.data(), {dw.data(), rest.data(), rest.data() + s.out_channels, rest.data() + 2 * s.out_channels},
                      c.fdout.data(), c.fx.data(), c.weights(), saved.data(), s);
  uint64_t hash = 1469598103934665603u;
  for (Guarded* g : {&out, &dx, &dw, &rest})
    for (size_t i = 0; i < g->count * 4;
        ++i) hash = (hash ^ reinterpret_cast<unsigned char*>(g->data())[i]) * 1099511628211u;
  return hash;
}

/// The reference's own gradient by central differences of sum(out * dout).
static void check_reference(const ConvBlockShape& s) {
  Case c(s, 5);
  const ConvReference r = reference_of(c);
  auto loss = [&] {
    ConvReference t{s, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
    t.forward(c.x.data(), c.weight.data(), c.bias.data(), c.scale.data(), c.shift.data());
    double sum = 0;
    for (size_t i = 0; i < t.out.size(); ++i) sum += t.out[i] * c.dout[i];
    return sum;
  };
  auto compare_all = [&](std::vector<double>& values, const std::vector<double>& gradient, const char* what) {
    double worst = 0, scale = 1e-3;
    for (double g : gradient) scale = std::fabs(g) > scale ? std::fabs(g) : scale;
    for (size_t i = 0; i < values.size(); ++i) {
      const double keep = values[i], step = 1e-6;
      values[i] = keep + step;
      const double up = loss();
      values[i] = keep - step;
      const double down = loss();
      values[i] = keep;
      const double d = std::fabs((up - down) / (2 * step) - gradient[i]) / scale;
      if (!(d <= worst)) worst = d;
    }
    expect(worst < 1e-5, what, s, worst);
  };
  compare_all(c.x, r.dx, "reference dx against finite differences");
  compare_all(c.weight, r.dweight, "reference dweight against finite differences");
  compare_all(c.bias, r.dbias, "reference dbias against finite differences");
  compare_all(c.shift, r.dshift, "reference dshift against finite differences");
  for (auto& v : c.scale)
    if (v == 0) return;  // not differentiable there
  compare_all(c.scale, r.dscale, "reference dscale against finite differences");
}

int main(int argc, char** argv) {
  const bool quick = argc > 1 && !std::strcmp(argv[1], "--quick");
  for (const ConvBlockShape& s : {ConvBlockShape{2, 11, 2, 2, 3}, {1, 20, 1, 2, 7}, {2, 7, 3, 4, 5}, {1, 2, 1, 1,
      1}}) check_reference(s);

  std::vector<ConvBlockShape> shapes;
  for (int64_t length : {1, 2, 3, 4, 5, 6, 51, 52, 140, 200, 300, 1000})
    for (auto [ci, co] : {std::pair<int64_t, int64_t>{1, 1}, {1, 5}, {5, 17}, {17, 5}, {16, 32}, {64, 17}}) {
      if (length == 1000 && ci * co > 512) continue;
      shapes.push_back({length > 140 ? 1 : 3, length, ci, co, 51});
    }
  shapes.insert(shapes.end(), {{1, 2187, 5, 17, 51}, {3, 2187, 1, 16, 51}, {33, 100, 16, 16, 51}, {5, 520, 17, 16,
      51}, {33, 52, 5, 5, 51},
                               {2, 60, 64, 64, 51}, {3, 147, 32, 48, 51}, {3, 60, 128, 96, 51}, {2, 40, 100, 90, 51},
                                   {2, 210, 96, 96, 25}, {2, 100, 4, 6, 1}, {2, 100, 6, 4, 3}, {1, 300, 16, 16, 25},
                                   {2, 70, 16, 16, 101},
                               {2, 40, 3, 3, 101}, {1, 700, 16, 16, 301}, {1, 1322, 20, 33, 51}});
  if (!quick) shapes.insert(shapes.end(), {{1, 35691, 1, 16, 51}, {1, 11898, 16, 32, 51}});
  for (const ConvBlockShape& s : shapes) {
    Case c(s);
    const ConvReference r = reference_of(c);
    for (Isa wanted : {Isa::portable, Isa::avx2, Isa::avx512}) {
      if (set_isa(wanted) != wanted) continue;
      set_threads(2);
      compare(c, r, 2e-5);
    }
  }

  // A mean 100 times the spread before normalisation.
  {
    Case c({2, 900, 1, 5, 51}, 3);
    for (size_t i = 0; i < c.bias.size(); ++i) c.bias[i] = c.fbias[i] = 100;
    const ConvReference r = reference_of(c);
    compare(c, r, 3e-4);
  }
  // A batch cut into several groups equals its halves, each one group: same outputs, gradients that add up.
  {
    const ConvBlockShape whole{16, 1322, 64, 128, 51}, half{8, 1322, 64, 128, 51};
    Case c(whole);
    std::vector<float> out(c.fdout.size()), dx(c.fx.size()), saved(conv_block_saved_size(whole)),
        parts(c.fdout.size()), dx_parts(c.fx.size());
    std::vector<float> dw(c.fweight.size()), dw_parts[2], rest(3 * 128);
    conv_block_forward(out.data(), saved.data(), c.fx.data(), c.weights(), whole);
    conv_block_backward(dx.data(), {dw.data(), rest.data(), rest.data() + 128, rest.data() + 256}, c.fdout.data(),
        c.fx.data(), c.weights(),
                        saved.data(), whole);
    for (int h = 0; h < 2; ++h) {
      const size_t x0 = h * c.fx.size() / 2, out0 = h * c.fdout.size() / 2;
      dw_parts[h].resize(dw.size());
      conv_block_forward(parts.data() + out0, saved.data(), c.fx.data() + x0, c.weights(), half);
      conv_block_backward(dx_parts.data() + x0, {dw_parts[h].data(), rest.data(), rest.data() + 128,
          rest.data() + 256}, c.fdout.data() + out0,
                          c.fx.data() + x0, c.weights(), saved.data(), half);
    }
    auto far = [](const std::vector<float>& a, const std::vector<float>& b) {
      double worst = 0, scale = 0;
      for (size_t i = 0; i < a.size(); ++i) worst = std::fmax(worst, std::fabs(a[i] - b[i])), scale += a[i] * a[i];
      return worst / std::sqrt(scale / a.size());
    };
    for (size_t i = 0; i < dw.size(); ++i) dw_parts[0][i] += dw_parts[1][i];
    double d = far(out, parts);
    expect(d < 2e-5, "groups change out by", whole, d);
    d = far(dx, dx_parts);
    expect(d < 2e-5, "groups change dx by", whole, d);
    d = far(dw, dw_parts[0]);
    expect(d < 2e-5, "groups change dweight by", whole, d);
  }
  // Any number of threads gives the same bits.
  for (const ConvBlockShape& s : {ConvBlockShape{5, 900, 16, 32, 51}, {7, 150, 32, 64, 51}, {3, 2000, 1, 16, 51}}) {
    Case c(s);
    set_threads(1);
    const uint64_t one = fingerprint(c);
    set_threads(2);
    const uint64_t two = fingerprint(c);
    set_threads(5);
    const uint64_t five = fingerprint(c);
    expect(one == two && two == five, "result depends on the thread count", s, 0);
  }
  // NaN and infinity reach the output of their sample and channel, and no other sample.
  for (const ConvBlockShape& s : {ConvBlockShape{3, 300, 16, 16, 51}, {3, 300, 1, 16, 51}}) {
    for (float bad : {NAN, INFINITY}) {
      Case c(s);
      const int64_t row = s.length * s.in_channels, out_row = s.out_length() * s.out_channels;
      c.fx[row + 100 * s.in_channels] = bad;
      Guarded out(c.fdout.size());
      conv_block_forward(out.data(), nullptr, c.fx.data(), c.weights(), s);
      bool all_nan = true, none = true;
      for (int64_t i = 0; i < 3 * out_row; ++i) {
        const bool nan = std::isnan(out.data()[i]);
        if (i / out_row == 1) all_nan &= nan;
        else none &= !nan;
      }
      expect(all_nan, "a sample with a NaN or infinity came out finite", s, bad);
      expect(none, "a NaN crossed into another sample", s, bad);
    }
  }
  std::printf("%d checks, %d failures\n", checks, failures);
  return failures ? 1 : 0;
}
