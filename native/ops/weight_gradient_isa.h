// The weights' gradient in the spectral convolution: K taps from its spectra, by the same pairs of frequencies and
// halves of taps as in weight_spectra_isa.h.
#pragma once

#include "block_layout_isa.h"
#include "products_isa.h"
#include "spectral_isa.h"
#include "weight_spectra_isa.h"

namespace asterolab::ASTEROLAB_ISA {

// Taps d0, d0 + 2, .. (Count of them) of one parity: even[d] = sum of (g(f) + sign g(T / 2 - f)) cosine, odd likewise
// with sines.
template <int Count>
static inline void gradient_taps(float* out, const float* folded, int64_t fold_step, const float* coefficients,
    int64_t taps, int64_t pairs) {
  Vec acc[Count] = {};
  for (int64_t f = 0; f < pairs; ++f) {
    const Vec g = load(folded + f * fold_step);
    const float* w = coefficients + f * taps;
#pragma GCC unroll 13
    for (int d = 0; d < Count; ++d) acc[d] += w[d] * g;
  }
  for (int d = 0; d < Count; ++d) store(out + 2 * d * kPoint, acc[d]);
}

/// Coefficients [pair][even taps, then odd taps] for the way back: the true gradient's scale, each frequency's share.
struct TapTable {
  const float *cosine, *sine;
  int64_t pairs, taps, even_taps;
};

static TapTable tap_table(Workspace& work, const ConvBlockShape& s, const Tiling& t) {
  const FftPlan& plan = fft_plan(t.size);
  const int64_t taps = s.kernel / 2 + 1, even_taps = (taps + 1) / 2, pairs = t.size / 4 + 1;
  float* cosine = work.floats(pairs * taps);
  float* sine = work.floats(pairs * taps);
  for (int64_t f = 0; f < pairs; ++f) {
    // Frequencies 0 and T / 2 occur once in the full circle, others twice; f = T / 4 is its own mirror.
    const float factor = (f == 0 ? 0.25f : 4 * f == t.size ? 0.25f : 0.5f) / static_cast<float>(t.size);
    for (int64_t d = 0; d < taps; ++d) {
      const int64_t at = f * taps + (d % 2 ? even_taps + d / 2 : d / 2);
      cosine[at] = factor * plan.cosine[f * d % t.size];
      sine[at] = factor * plan.sine[f * d % t.size];
    }
  }
  return {cosine, sine, pairs, taps, even_taps};
}

/// Where the taps of a chunk go: those of an unfinished slice wait in `partial`, the slice's sum is folded.
struct TapTarget {
  Slots slots;
  float* partial;
  bool opens, closes;
  Fold fold;

  void take(int64_t offset, Vec taps, int count) const {
    if (!opens) taps = load_some(partial + offset, count) + taps;
    if (closes)
      fold_some(slots, fold, offset, taps, count);
    else
      store_some(partial + offset, taps, count);
  }
};

/// Taps of one input channel and one block of output channels from the gradient's spectra g (frequencies `stride`
/// apart), to `offset`: [K] per output channel, `step` apart. scratch: gradient_scratch floats.
static void gradient_unit(const TapTarget& to, int64_t offset, int64_t step, int lanes, const float* g, int64_t stride,
    const TapTable& table, int64_t half_size, float* scratch) {
  float* folded = scratch;  // [pair][real sum, real difference, imaginary difference, imaginary sum]
  float* halves = scratch + 4 * table.pairs * kLanes;
  for (int64_t f = 0; f < table.pairs; ++f) {
    const Complex a = load_point(g + f * stride), b = load_point(g + (half_size - f) * stride);
    float* to = folded + f * 4 * kLanes;
    store(to, a.r + b.r);
    store(to + kLanes, a.r - b.r);
    store(to + 2 * kLanes, a.i - b.i);
    store(to + 3 * kLanes, a.i + b.i);
  }
  constexpr int kTaps = kLanes == 16 ? 13 : 6;
  for (int half = 0; half < 2; ++half)
    for (int parity = 0; parity < 2; ++parity) {
      const float* from = folded + (2 * half + parity) * kLanes;
      const float* w = (half ? table.sine : table.cosine) + (parity ? table.even_taps : 0);
      const int64_t count = parity ? table.taps - table.even_taps : table.even_taps;
      float* to = halves + parity * kPoint + half * kLanes;
      int64_t d = 0;
      for (; d + kTaps <= count; d += kTaps) gradient_taps<kTaps>(to + 2 * d * kPoint, from, 4 * kLanes, w + d,
          table.taps, table.pairs);
      for (; d < count; ++d) gradient_taps<1>(to + 2 * d * kPoint, from, 4 * kLanes, w + d, table.taps, table.pairs);
    }
  const int64_t pad = table.taps - 1, kernel = 2 * pad + 1;
  float* turned = halves + 2 * table.taps * kLanes;  // [tap][kLanes]
  for (int64_t d = 0; d <= pad; ++d) {
    const Complex c = load_point(halves + d * kPoint);
    store(turned + (pad - d) * kLanes, c.r - c.i);
    store(turned + (pad + d) * kLanes, c.r + c.i);
  }
  for (int64_t k = 0; k < kernel; k += kLanes) {
    const int count = static_cast<int>(kernel - k < kLanes ? kernel - k : kLanes);
    Vec taps[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) taps[i] = load(turned + (k + i) * kLanes);
    transpose(taps);
    for (int c = 0; c < lanes; ++c) to.take(offset + c * step + k, taps[c], count);
  }
}

static inline int64_t gradient_scratch(const TapTable& table) { return (4 * table.pairs + 2 * table.taps) * kLanes
    + taps_space(table.taps - 1); }

/// The weights' gradient [Cout, Cin, K] of a slice from its spectra [frequency][Cin padded][Cout block][2][kLanes]
/// (spectral_gradient's, of signal spectra that are twice their true value).
static void weight_gradient(const TapTarget& to, const float* g, const ConvBlockShape& s, const Tiling& t) {
  const int64_t blocks = blocks_of(s.out_channels), stride = spectra_stride(blocks, blocks_of(s.in_channels) * kLanes);
  Workspace work;
  const TapTable table = tap_table(work, s, t);
  parallel_for(s.in_channels * blocks, 4, [&](int64_t begin, int64_t end, int) {
    Workspace mine;
    float* scratch = mine.floats(gradient_scratch(table));
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t ci = unit / blocks, b = unit % blocks;
      gradient_unit(to, (b * kLanes * s.in_channels + ci) * s.kernel, s.in_channels * s.kernel,
                    lanes_of(s.out_channels, b), g + unit * kPoint, stride, table, t.size / 2, scratch);
    }
  });
}

/// The same straight from the spectra of x and dy over a group, block by block, so that the gradient's spectra stay in
/// cache: for many channels.
static void weight_gradient_product(const Slots& slots, float* partial, const float* x, const float* d, const Group& group,
    const Cutting& cutting, const ConvBlockShape& s, const Tiling& t) {
  const int64_t in_blocks = blocks_of(s.in_channels), out_blocks = blocks_of(s.out_channels);
  const int64_t m = group.samples * t.tiles, x_stride = spectra_stride(in_blocks, m), d_stride = spectra_stride(out_blocks, m);
  // Two blocks of output channels at a time while their spectra fit the second-level cache.
  const int64_t wide = t.bins * kLanes * 2 * kPoint * 4 <= (640 << 10) ? 2 : 1;
  const int64_t columns = (out_blocks + wide - 1) / wide;
  Workspace work;
  const TapTable table = tap_table(work, s, t);
  parallel_for(columns * in_blocks, 1, [&](int64_t begin, int64_t end, int) {
    Workspace mine;
    float* g = mine.floats(t.bins * (kLanes * wide + 1) * kPoint);
    float* scratch = mine.floats(gradient_scratch(table));
    for (int64_t task = begin; task < end; ++task) {
      const int64_t b0 = task / in_blocks * wide, ib = task % in_blocks,
          blocks = out_blocks - b0 < wide ? out_blocks - b0 : wide;
      const int64_t stride = kLanes * blocks * kPoint + kPoint;  // not a power of two, which would crowd one set of the cache
      const int64_t group_end = group.first + group.samples;
      for (int64_t first = group.first; first < group_end;) {
        const Chunk chunk = cutting.chunk_at(first);
        const int64_t row = (first - group.first) * t.tiles * kPoint, rows = chunk.samples * t.tiles;
        for (int64_t f = 0; f < t.bins; ++f)
          spectral_gradient(g + f * stride, x + f * x_stride + ib * m * kPoint + row, d + f * d_stride + b0 * m * kPoint + row,
                            rows, m, 1, blocks, false, x_stride, d_stride);
        const TapTarget to{slots, partial, chunk.opens, chunk.closes, fold_of(s.division, chunk.slice)};
        for (int64_t c = 0; c < kLanes && ib * kLanes + c < s.in_channels; ++c)
          for (int64_t b = 0; b < blocks; ++b)
            gradient_unit(to, ((b0 + b) * kLanes * s.in_channels + ib * kLanes + c) * s.kernel, s.in_channels * s.kernel,
                          lanes_of(s.out_channels, b0 + b), g + (c * blocks + b) * kPoint, stride, table, t.size / 2, scratch);
        first += chunk.samples;
      }
    }
  });
}

}  // namespace asterolab::ASTEROLAB_ISA
