// Convolution in the frequency domain: the signal in overlapping tiles of T points, a complex matrix product per
// frequency.
//
// Tile t of a sample starts at t V - P (zeros outside the signal); its points P .. P + V - 1 come out right. One tile
// with T >= L + P holds a whole signal: what wraps around are zeros. Two real tiles travel in one complex transform, as
// real and imaginary part, and are parted afterwards.
//
// Spectra of M tiles ("rows") of C channels lie as [frequency][C block][M][real, imaginary][kLanes], frequencies
// spectra_stride apart: what a transform writes is what the products read, as rows (one scalar at a time) or as columns
// (kLanes channels at a time). Spectra of signals are twice their true value; the weights' spectra carry the factor 1 /
// (2 T) that makes up for it.
#pragma once

#include "conv_block.h"
#include "direct_isa.h"
#include "fft_isa.h"
#include "memory.h"
#include "parallel.h"

namespace asterolab::ASTEROLAB_ISA {

struct Tiling {
  int size = 0;         // T
  int64_t step = 0;     // V
  int64_t tiles = 0;    // a sample's
  int64_t bins = 0;     // T / 2 + 1
  double cost = 0;      // relative, for choosing
};

/// Estimated cost of a size (see choose_tiling); infinite when the kernel does not fit.
static inline Tiling tiling_of(int size, const ConvBlockShape& s) {
  Tiling t;
  const int64_t pad = s.kernel / 2;
  t.size = size;
  t.bins = size / 2 + 1;
  if (size >= s.length + pad && size >= s.kernel) {
    t.step = s.length;
    t.tiles = 1;
  } else {
    t.step = (size - 2 * pad) / 3 * 3;  // a multiple of 3: tiles do not cut the pools' windows of gradients
    t.tiles = t.step > 0 ? (s.length + t.step - 1) / t.step : 0;
  }
  const double ci = static_cast<double>(blocks_of(s.in_channels) * kLanes),
      co = static_cast<double>(blocks_of(s.out_channels) * kLanes);
  double log2 = 0;
  for (int n = size; n > 1; n /= 2) ++log2;
  const double rows = static_cast<double>(t.tiles), bins = static_cast<double>(t.bins);
  // Three products a step, two transforms of each side's signal, three transforms of the weights (shared by the batch);
  // transforms and their scattered stores run at about a quarter of the products' rate, and large spectra spill out of
  // the cache.
  const double products = 3 * 8 * rows * bins * ci * co, transforms = 2 * 10 * rows * size * (log2 + 3) * (ci + co);
  // From 8 samples on all batches count as 32, and parts of a batch as the whole: each sample is then computed alike, to the
  // last bit. Otherwise nearly equal values would fall differently in max pooling, and runs of different ranks drift apart.
  const int64_t whole = s.division.whole ? s.division.whole : s.batch;
  const double batch = whole < 8 ? static_cast<double>(whole) : 32;
  const double weights = 3 * 2 * bins * static_cast<double>(s.kernel) * ci * co / batch * 1.5;
  t.cost = t.tiles > 0 ? products + transforms + weights : 1e300;
  return t;
}

/// The cheapest tiling, or size 0 where direct summation is cheaper.
static inline Tiling choose_tiling(const ConvBlockShape& s) {
  Tiling best;
  const double co = static_cast<double>(blocks_of(s.out_channels) * kLanes);
  best.cost = 3 * 2 * static_cast<double>(s.length) * static_cast<double>(s.kernel * s.in_channels) * co;
  static const int sizes[] = {32, 64, 96, 128, 160, 180, 192, 256, 320, 384, 480, 512, 640, 768, 1024, 2048, 4096,
      8192, 16384};
  for (int size : sizes) {
    const Tiling t = tiling_of(size, s);
    if (t.cost < best.cost) best = t;
  }
  return best;
}

/// Floats from one frequency to the next. The extra point keeps it off powers of two, at which all frequencies of a
/// tile would meet in one set of the cache.
static inline int64_t spectra_stride(int64_t channel_blocks,
    int64_t rows) { return (channel_blocks * rows + 1) * kPoint; }

static inline int64_t spectra_size(int64_t bins, int64_t channel_blocks, int64_t rows) {
  return bins * spectra_stride(channel_blocks, rows);
}

// Frequencies lie pages apart, which no hardware prefetcher follows: both passes below fetch a pair's lines this many
// frequencies early.
constexpr int64_t kAhead = 12;

template <int Write>
static inline void fetch_pair(const float* p) {
  for (int i = 0; i < 2 * kPoint; i += 16) __builtin_prefetch(p + i, Write);
}

/// Parts the transform of tiles a + i b (buffer, position order) into the spectra of a (row `row`) and b (row + 1,
/// unless `single`). `out`: the spectra at this channel block, row 0, frequency 0; `stride` from one frequency to the
/// next.
static inline void split_pair(float* out, int64_t stride, int64_t row, bool single, const FftPlan& plan,
    const float* buffer) {
  const int* position = plan.position;
  float* at = out + row * kPoint;
  for (int f = 0; f <= plan.size / 2; ++f, at += stride) {
    const Complex z = load_point(buffer + position[f] * kPoint);
    const Complex y = load_point(buffer + position[f ? plan.size - f : 0] * kPoint);
    fetch_pair<1>(at + kAhead * stride);
    store_point(at, {z.r + y.r, z.i - y.i});
    if (!single) store_point(at + kPoint, {z.i + y.i, y.r - z.r});
  }
}

/// The opposite: spectra of rows `row` and row + 1 (zero when `single`) into the buffer as one complex spectrum.
static inline void merge_pair(float* buffer, const FftPlan& plan, const float* in, int64_t stride, int64_t row,
    bool single) {
  const int* position = plan.position;
  const float* at = in + row * kPoint;
  for (int f = 0; f <= plan.size / 2; ++f, at += stride) {
    fetch_pair<0>(at + kAhead * stride);
    const Complex a = load_point(at);
    const Complex b = single ? Complex{Vec{}, Vec{}} : load_point(at + kPoint);
    store_point(buffer + position[f] * kPoint, {a.r - b.i, a.i + b.r});
    if (f > 0 && 2 * f < plan.size) store_point(buffer + position[plan.size - f] * kPoint, {a.r + b.i, b.r - a.i});
  }
}

/// Spectra of `samples` signals x [samples, L, C].
static void signal_spectra(float* out, const float* x, int64_t samples, int64_t length, int64_t channels, int64_t pad,
    const Tiling& t) {
  const FftPlan& plan = fft_plan(t.size);
  const int64_t rows = samples * t.tiles, blocks = blocks_of(channels), stride = spectra_stride(blocks, rows);
  parallel_for((rows + 1) / 2 * blocks, 1, [&](int64_t begin, int64_t end, int) {
    Workspace work;
    float* buffer = work.floats(t.size * kPoint);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row = task / blocks * 2, b = task % blocks;
      const bool single = row + 1 >= rows;
      const int lanes = lanes_of(channels, b);
      // Point i of tile h is source[h] + i * channels for first[h] <= i < last[h], zero elsewhere.
      const float* source[2];
      int first[2], last[2];
      for (int h = 0; h < 2; ++h) {
        const int64_t m = row + h, n = m / t.tiles, start = m % t.tiles * t.step - pad;
        const int64_t left = length - start;
        source[h] = x + (n * length + start) * channels + b * kLanes;
        first[h] = static_cast<int>(start < 0 ? -start : 0);
        last[h] = h && single ? 0 : static_cast<int>(left < t.size ? left : t.size);
      }
      fft_forward(plan, buffer, [&](int i) -> Complex {
        Complex c{};
        if (i >= first[0] && i < last[0]) c.r = load_some(source[0] + i * channels, lanes);
        if (i >= first[1] && i < last[1]) c.i = load_some(source[1] + i * channels, lanes);
        return c;
      });
      split_pair(out + b * rows * kPoint, stride, row, single, plan, buffer);
    }
  });
}

}  // namespace asterolab::ASTEROLAB_ISA
