// The weights' side of the spectral convolution: their spectra, from K taps.
//
// With the taps centred on P, w(d) = e(d) + o(d) parts into an even and an odd half, and H(f) = sum e(d) cos + i sum
// o(d) sin over 0 <= d <= P, angles 2 pi f d / T. Frequencies f and T / 2 - f share the same cosines and sines but for
// the sign at odd d (even d for the sines), so that they are computed as a pair from sums over even and over odd d: a
// quarter of the plain sum's work, and no transform.
#pragma once

#include "products_isa.h"
#include "spectral_isa.h"

namespace asterolab::ASTEROLAB_ISA {

constexpr int kPairs = 7;  // frequency pairs (f, T / 2 - f) computed together
constexpr int64_t kChunk = 128;  // rows whose taps and spectra at 2 kPairs frequencies fit the second-level cache together

/// Cosines and sines [group of kPairs][tap 0 .. P][kPairs] times a factor, and the number of groups. T is a multiple of
/// 4.
struct PairTable {
  const float *cosine, *sine;
  int64_t groups, pairs, taps;
};

static PairTable pair_table(Workspace& work, const FftPlan& plan, int64_t taps, float cosine_factor, float sine_factor) {
  const int64_t pairs = plan.size / 4 + 1, groups = (pairs + kPairs - 1) / kPairs;
  float* cosine = work.floats(groups * taps * kPairs);
  float* sine = work.floats(groups * taps * kPairs);
  for (int64_t f = 0; f < groups * kPairs; ++f)
    for (int64_t d = 0; d < taps; ++d) {
      const int64_t turn = f * d % plan.size, at = (f / kPairs * taps + d) * kPairs + f % kPairs;
      cosine[at] = cosine_factor * plan.cosine[turn];
      sine[at] = sine_factor * plan.sine[turn];
    }
  return {cosine, sine, groups, pairs, taps};
}

/// How the weights [Cout, Cin, K] are seen: rows by blocks of lanes. Plain: rows Cin, lanes Cout. Transposed (for dx):
/// rows Cout, lanes Cin.
struct WeightView {
  int64_t row_count, lane_count, row_step, lane_step, rows, blocks;
  WeightView(const ConvBlockShape& s, bool transposed) {
    row_count = transposed ? s.out_channels : s.in_channels;
    lane_count = transposed ? s.in_channels : s.out_channels;
    row_step = transposed ? s.in_channels * s.kernel : s.kernel;
    lane_step = transposed ? s.kernel : s.in_channels * s.kernel;
    rows = blocks_of(row_count) * kLanes;
    blocks = blocks_of(lane_count);
  }
};

/// Even and odd halves of one row's taps: [even, odd][tap 0 .. P][kLanes]. turned: taps_space(pad) floats of scratch.
static void weight_halves(float* out, const float* weight, const WeightView& v, int64_t row, int64_t block,
    int64_t pad, float* turned) {
  const int lanes = lanes_of(v.lane_count, block);
  if (row >= v.row_count) {
    std::memset(out, 0, (pad + 1) * kPoint * sizeof(float));
    return;
  }
  const int64_t kernel = 2 * pad + 1;
  const float* first = weight + row * v.row_step + block * kLanes * v.lane_step;
  for (int64_t k = 0; k < kernel; k += kLanes) {
    const int count = static_cast<int>(kernel - k < kLanes ? kernel - k : kLanes);
    Vec taps[kLanes];
#pragma GCC unroll 16
    for (int c = 0; c < kLanes; ++c) taps[c] = c < lanes ? load_some(first + c * v.lane_step + k, count) : Vec{};
    transpose(taps);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) store(turned + (k + i) * kLanes, taps[i]);
  }
  const float* middle = turned + pad * kLanes;
  float* odd = out + (pad + 1) * kLanes;
  store(out, load(middle));
  store(odd, Vec{});
  for (int64_t d = 1; d <= pad; ++d) {
    const Vec right = load(middle + d * kLanes), left = load(middle - d * kLanes);
    store(out + d * kLanes, right + left);
    store(odd + d * kLanes, right - left);
  }
}

/// Floats for all taps of a block of lanes, rounded up to whole square blocks.
static inline int64_t taps_space(int64_t pad) { return (2 * pad + 1 + kLanes) * kLanes; }

// Sums of one half (cosines of the even, sines of the odd) at kPairs pairs: f gets even d + odd d; its mirror, even -
// odd times `sign`.
static inline void pair_sums(float* out, float* mirror, int64_t stride, const float* half, const float* w,
    int64_t taps, float sign) {
  Vec even[kPairs] = {}, odd[kPairs] = {};
  int64_t d = 0;
  for (; d + 1 < taps; d += 2) {
    const Vec a = load(half + d * kLanes), b = load(half + (d + 1) * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kPairs; ++i) {
      even[i] += w[d * kPairs + i] * a;
      odd[i] += w[(d + 1) * kPairs + i] * b;
    }
  }
  if (d < taps) {
    const Vec a = load(half + d * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kPairs; ++i) even[i] += w[d * kPairs + i] * a;
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPairs; ++i) {
    store(out + i * stride, even[i] + odd[i]);
    store(mirror - i * stride, sign * (even[i] - odd[i]));
  }
}

/// Spectrum of one row from its halves at the frequency pairs of one group: frequency f = group * kPairs + i to out + i
/// * stride, frequency T / 2 - f to mirror - i * stride (frequencies ascend by `stride`).
static inline void weight_pairs(float* out, float* mirror, int64_t stride, const float* halves,
    const PairTable& table, int64_t group) {
  const int64_t at = group * table.taps * kPairs;
  pair_sums(out, mirror, stride, halves, table.cosine + at, table.taps, 1.f);
  pair_sums(out + kLanes, mirror + kLanes, stride, halves + table.taps * kLanes, table.sine + at, table.taps, -1.f);
}

/// Factors that make weight spectra carry 1 / (2 T), and the conjugate when transposed.
static PairTable weight_table(Workspace& work, const ConvBlockShape& s, const Tiling& t, bool transposed) {
  const float factor = 0.5f / static_cast<float>(t.size);
  return pair_table(work, fft_plan(t.size), s.kernel / 2 + 1, factor, transposed ? -factor : factor);
}

/// Spectra of the weights: [frequency][lane block][row][2][kLanes].
static void weight_spectra(float* out, const float* weight, const ConvBlockShape& s, const Tiling& t, bool transposed) {
  const WeightView v(s, transposed);
  const int64_t pad = s.kernel / 2, stride = spectra_stride(v.blocks, v.rows);
  Workspace work;
  const PairTable table = weight_table(work, s, t, transposed);
  parallel_for(v.blocks * v.rows, 4, [&](int64_t begin, int64_t end, int) {
    Workspace mine;
    float* halves = mine.floats((pad + 1) * kPoint);
    float* turned = mine.floats(taps_space(pad));
    float* spare = mine.floats(2 * kPairs * kPoint);
    for (int64_t unit = begin; unit < end; ++unit) {
      weight_halves(halves, weight, v, unit % v.rows, unit / v.rows, pad, turned);
      float* to = out + unit * kPoint;
      int64_t group = 0;
      for (; (group + 1) * kPairs <= table.pairs; ++group)
        weight_pairs(to + group * kPairs * stride, to + (t.size / 2 - group * kPairs) * stride, stride, halves, table,
            group);
      if (group == table.groups) continue;
      weight_pairs(spare, spare + (2 * kPairs - 1) * kPoint, kPoint, halves, table, group);
      for (int64_t f = group * kPairs; f < table.pairs; ++f) {
        const int64_t i = f - group * kPairs;
        store_point(to + f * stride, load_point(spare + i * kPoint));
        store_point(to + (t.size / 2 - f) * stride, load_point(spare + (2 * kPairs - 1 - i) * kPoint));
      }
    }
  });
}

/// Y = X . H over all frequencies, with H computed for kChunk rows at a few frequencies at a time and used from cache:
/// for many channels, whose spectra would stream through memory. y: [frequency][lane block][M][2][kLanes], x:
/// [frequency][row block][M][2][kLanes].
static void weight_product(float* y, const float* x, const float* weight, int64_t m, const ConvBlockShape& s,
    const Tiling& t, bool transposed) {
  const WeightView v(s, transposed);
  const int64_t pad = s.kernel / 2, row_blocks = v.rows / kLanes, half_size = 2 * (pad + 1) * kLanes;
  const int64_t y_stride = spectra_stride(v.blocks, m), x_stride = spectra_stride(row_blocks, m),
      h_stride = spectra_stride(1, kChunk);
  Workspace work;
  const PairTable table = weight_table(work, s, t, transposed);
  int64_t parts = (16 + v.blocks - 1) / v.blocks;
  if (parts > table.groups) parts = table.groups;
  parallel_for(v.blocks * parts, 1, [&](int64_t begin, int64_t end, int) {
    Workspace mine;
    float* turned = mine.floats(taps_space(pad));
    float* halves = mine.floats(kChunk * half_size);
    float* h = mine.floats(2 * kPairs * h_stride);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t b = task / parts, part = task % parts, last = (part + 1) * table.groups / parts;
      for (int64_t row = 0; row < v.rows; row += kChunk) {
        const int64_t rows = v.rows - row < kChunk ? v.rows - row : kChunk;
        for (int64_t r = 0; r < rows; ++r) weight_halves(halves + r * half_size, weight, v, row + r, b, pad, turned);
        auto multiply = [&](int64_t f, const float* hf, int64_t ahead) {
          spectral_product(y + f * y_stride + b * m * kPoint, x + f * x_stride + row / kLanes * m * kPoint, hf, m,
              rows / kLanes, 1, row > 0, ahead);
        };
        for (int64_t group = part * table.groups / parts; group < last; ++group) {
          for (int64_t r = 0; r < rows; ++r)
            weight_pairs(h + r * kPoint, h + (2 * kPairs - 1) * h_stride + r * kPoint, h_stride,
                halves + r * half_size, table, group);
          const int64_t f0 = group * kPairs, f1 = f0 + kPairs < table.pairs ? f0 + kPairs : table.pairs;
          for (int64_t f = f0; f < f1; ++f) multiply(f, h + (f - f0) * h_stride, x_stride);
          for (int64_t f = f0; f < f1; ++f) {
            const int64_t mirror = t.size / 2 - f;
            if (mirror != f) multiply(mirror, h + (2 * kPairs - 1 - (f - f0)) * h_stride, -x_stride);
          }
        }
      }
    }
  });
}

}  // namespace asterolab::ASTEROLAB_ISA
