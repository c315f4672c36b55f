// ReLU -> GroupNorm (one channel per group) -> MaxPool(3, 1, 1) -> AvgPool(3, 3, 1) on one sample's block of kLanes
// channels, both ways. `pre` is the convolution's output before ReLU, [L, kLanes].
#pragma once

#include <cmath>

#include "simd.h"

namespace asterolab::ASTEROLAB_ISA {

constexpr double kNormEpsilon = 1e-5;

/// Count, mean and sum of squared deviations per lane, merged tile by tile (Chan, Golub, LeVeque 1979), so
/// that a mean much larger than the spread costs no digits.
struct Moments {
  double count = 0, mean[kLanes] = {}, m2[kLanes] = {};

  /// Adds relu of `n` vectors at y[i * step].
  void add(const float* y, int64_t step, int64_t n) {
    Vec sums[4] = {};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
      for (int u = 0; u < 4; ++u) sums[u] += relu(load(y + (i + u) * step));
    for (; i < n; ++i) sums[0] += relu(load(y + i * step));
    const Vec center = (sums[0] + sums[1] + sums[2] + sums[3]) * (1.f / static_cast<float>(n));
    Vec squares[4] = {}, rest[4] = {};
    for (i = 0; i + 4 <= n; i += 4)
      for (int u = 0; u < 4; ++u) {
        const Vec d = relu(load(y + (i + u) * step)) - center;
        squares[u] += d * d;
        rest[u] += d;
      }
    for (; i < n; ++i) {
      const Vec d = relu(load(y + i * step)) - center;
      squares[0] += d * d;
      rest[0] += d;
    }
    const Vec square = squares[0] + squares[1] + (squares[2] + squares[3]);
    const Vec left = rest[0] + rest[1] + (rest[2] + rest[3]);  // what rounding left of the mean
    const double all = count + static_cast<double>(n);
    for (int c = 0; c < kLanes; ++c) {
      const double shift = static_cast<double>(left[c]) / static_cast<double>(n);
      const double delta = center[c] + shift - mean[c];
      m2[c] += square[c] - shift * left[c] + delta * delta * count * static_cast<double>(n) / all;
      mean[c] += delta * static_cast<double>(n) / all;
    }
    count = all;
  }

  /// Mean and 1 / sqrt(variance + eps), kLanes floats each.
  void finish(float* out_mean, float* out_inverse) const {
    for (int c = 0; c < kLanes; ++c) {
      out_mean[c] = static_cast<float>(mean[c]);
      out_inverse[c] = static_cast<float>(1.0 / std::sqrt(m2[c] / count + kNormEpsilon));
    }
  }
};

/// The affine map z = a relu(pre) + b that GroupNorm is once its statistics are known.
struct Affine {
  Vec a, b;
};

static inline Affine norm_affine(const float* mean, const float* inverse, Vec scale, Vec shift) {
  const Vec a = scale * load(inverse);
  return {a, shift - load(mean) * a};
}

template <class Keep>
static inline void norm_pool_pass(float* out, int64_t out_step, int lanes, const float* pre, int64_t length, Affine f,
    const Keep& keep) {
  const int64_t out_length = (length - 1) / 3 + 1;
  const Vec third = splat(1.f / 3.f), lowest = splat(-INFINITY);
  auto z = [&](int64_t p) {
    const Vec x = load(pre + p * kLanes);
    keep(p, x);
    return f.a * relu(x) + f.b;
  };
  Vec before = lowest, last = lowest;  // z[3j - 2], z[3j - 1]
  for (int64_t j = 0; j < out_length; ++j) {
    const int64_t p = 3 * j;
    const bool has1 = p + 1 < length, has2 = p + 2 < length;
    const Vec z0 = z(p), z1 = has1 ? z(p + 1) : lowest, z2 = has2 ? z(p + 2) : lowest;
    const Vec ahead = larger(z0, z1);
    Vec sum = larger(last, ahead);
    if (j > 0) sum = larger(before, larger(last, z0)) + sum;
    if (has1) sum += larger(ahead, z2);
    store_some(out + j * out_step, sum * third, lanes);
    before = z1;
    last = z2;
  }
}

/// Normalises and pools: out[j * out_step], j < (L - 1) / 3 + 1, `lanes` channels of it. On the way copies pre to
/// `keep`, if that is not null.
static void norm_pool_forward(float* out, int64_t out_step, int lanes, const float* pre, int64_t length, Affine f,
    float* keep) {
  if (!keep) {
    norm_pool_pass(out, out_step, lanes, pre, length, f, [](int64_t, Vec) {});
  } else if (reinterpret_cast<uintptr_t>(keep) % sizeof(Vec) == 0) {
    norm_pool_pass(out, out_step, lanes, pre, length, f, [=](int64_t p, Vec x) { stream(keep + p * kLanes, x); });
    finish_streams();
  } else {
    norm_pool_pass(out, out_step, lanes, pre, length, f, [=](int64_t p, Vec x) { store(keep + p * kLanes, x); });
  }
}

/// Gradient through both pools: calls consume(p, dz, pre[p]) for p = 3 * first .. min(3 * end, L) - 1 in order, dz
/// being the gradient with respect to the pools' input z = a relu(pre) + b.
template <class Consume>
static inline void pool_backward(const float* pre, Affine f, const float* dout, int64_t dout_step, int lanes,
    int64_t length,
                                 int64_t first, int64_t end, const Consume& consume) {
  const int64_t out_length = (length - 1) / 3 + 1;
  const Vec third = splat(1.f / 3.f), lowest = splat(-INFINITY);
  auto z = [&](int64_t p) { return p < 0 || p >= length ? lowest : f.a * relu(load(pre + p * kLanes)) + f.b; };
  auto d = [&](int64_t j) { return j < out_length ? load_some(dout + j * dout_step, lanes) * third : Vec{}; };
  // over1[p]: z[p] > z[p - 1]; over2[p]: z[p] > z[p - 2]. p is the first maximum of the window centred on p - 1 if both
  // hold, of that on p if over1[p] and not over1[p + 1], of that on p + 1 if neither over1[p + 1] nor over2[p + 2].
  const int64_t p0 = 3 * first;
  Vec z0 = z(p0), z1 = z(p0 + 1), d0 = d(first);
  const Vec zb = z(p0 - 1), za = z(p0 - 2);
  VecI one0 = z0 > zb, two0 = z0 > za, two1 = z1 > zb;
  for (int64_t j = first; j < end; ++j) {
    const int64_t p = 3 * j;
    const bool inner = p + 4 < length;
    const Vec z2 = z(p + 2), z3 = z(p + 3), z4 = z(p + 4);
    const Vec d1 = d(j + 1);
    const VecI one1 = z1 > z0, one2 = z2 > z1, one3 = z3 > z2;
    const VecI two2 = z2 > z0, two3 = z3 > z1, two4 = z4 > z2;
    // Windows centred outside the signal have no gradient.
    const Vec at_left = j > 0 ? d0 : Vec{};
    const Vec at1 = inner || p + 1 < length ? d0 : Vec{};
    const Vec at2 = inner || p + 2 < length ? d1 : Vec{};
    const Vec at3 = inner || p + 3 < length ? d1 : Vec{};
    const Vec none{};
    consume(p,
            ((one0 & two0) ? at_left : none) + ((one0 & ~one1) ? d0 : none) + ((~(one1 | two2)) ? at1 : none),
            load(pre + p * kLanes));
    if (p + 1 < length)
      consume(p + 1, ((one1 & two1) ? d0 : none) + ((one1 & ~one2) ? at1 : none) + ((~(one2 | two3)) ? at2 : none),
              load(pre + (p + 1) * kLanes));
    if (p + 2 < length)
      consume(p + 2, ((one2 & two2) ? at1 : none) + ((one2 & ~one3) ? at2 : none) + ((~(one3 | two4)) ? at3 : none),
              load(pre + (p + 2) * kLanes));
    z0 = z3, z1 = z4, d0 = d1;
    one0 = one3, two0 = two3, two1 = two4;
  }
}

/// What turns dz into the gradient before ReLU: pre > 0 ? a dz - offset - slope (relu(pre) - center) : 0.
struct NormGradient {
  Affine f;
  Vec offset, slope, center;
};

/// First pass of the backward of one sample's channels: GroupNorm's two sums over the signal. Writes the sample's share
/// of the gradients of scale and shift (kLanes doubles each).
static NormGradient norm_pool_sums(double* dscale, double* dshift, const float* pre, const float* mean,
                                   const float* inverse, Vec scale, Vec shift, const float* dout, int64_t dout_step,
                                   int lanes, int64_t length) {
  const Affine f = norm_affine(mean, inverse, scale, shift);
  const Vec center = load(mean), width = load(inverse);
  const int64_t out_length = (length - 1) / 3 + 1;
  double s1[kLanes] = {}, s2[kLanes] = {};
  for (int64_t j = 0; j < out_length; j += 64) {
    Vec sum = {}, product = {};
    pool_backward(pre, f, dout, dout_step, lanes, length, j, j + 64 < out_length ? j + 64 : out_length,
                  [&](int64_t, Vec dz, Vec x) {
                    sum += dz;
                    product += dz * (relu(x) - center);
                  });
    for (int c = 0; c < kLanes; ++c) s1[c] += sum[c], s2[c] += product[c];
  }
  Vec offset, slope;
  for (int c = 0; c < kLanes; ++c) {
    const double n = static_cast<double>(length), w = width[c], k2 = f.a[c] * w * w * s2[c] / n;
    dscale[c] = s2[c] * w;
    dshift[c] = s1[c];
    slope[c] = static_cast<float>(k2);
    offset[c] = static_cast<float>(f.a[c] * s1[c] / n);
  }
  return {f, offset, slope, center};
}

/// Second pass: the gradient before ReLU of positions 3 * first .. min(3 * end, L) - 1, vector p at out[(p - 3 * first)
/// * out_step].
static inline void norm_pool_backward(float* out, int64_t out_step, const float* pre, const NormGradient& g,
                                      const float* dout, int64_t dout_step, int lanes, int64_t length, int64_t first,
                                      int64_t end) {
  float* base = out - 3 * first * out_step;
  pool_backward(pre, g.f, dout, dout_step, lanes, length, first, end, [&](int64_t p, Vec dz, Vec x) {
    const Vec value = g.f.a * dz - g.offset - g.slope * (x - g.center);
    store(base + p * out_step, x > Vec{} ? value : Vec{});
  });
}

}  // namespace asterolab::ASTEROLAB_ISA
