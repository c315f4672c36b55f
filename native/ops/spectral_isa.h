// Convolution in the frequency domain: the signal in overlapping tiles of T points, a complex matrix product per frequency.
//
// Tile t of a sample starts at t V - P (zeros outside the signal); its points P .. P + V - 1 come out right. One tile with
// T >= L + P holds a whole signal: what wraps around are zeros. Two real tiles travel in one complex transform, as real and
// imaginary part, and are parted afterwards.
//
// Spectra of M tiles ("rows") of C channels lie as [frequency][C block][M][real, imaginary][kLanes]: what a transform writes is what
// the products read, as rows (one scalar at a time) or as columns (kLanes channels at a time). Spectra of signals are twice their
// true value; the weights' spectra carry the factor 1 / (2 T) that makes up for it.
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
  const double ci = static_cast<double>(blocks_of(s.in_channels) * kLanes), co = static_cast<double>(blocks_of(s.out_channels) * kLanes);
  double log2 = 0;
  for (int n = size; n > 1; n /= 2) ++log2;
  const double rows = static_cast<double>(t.tiles), bins = static_cast<double>(t.bins);
  // Three products a step, two transforms of each side's signal, three transforms of the weights (shared by the batch);
  // transforms and their scattered stores run at about a quarter of the products' rate, and large spectra spill out of the cache.
  const double products = 3 * 8 * rows * bins * ci * co, transforms = 2 * 10 * rows * size * (log2 + 3) * (ci + co);
  const double weights = 3 * 2 * bins * static_cast<double>(s.kernel) * ci * co / static_cast<double>(s.batch) * 1.5;
  t.cost = t.tiles > 0 ? products + transforms + weights : 1e300;
  return t;
}

/// The cheapest tiling, or size 0 where direct summation is cheaper.
static inline Tiling choose_tiling(const ConvBlockShape& s) {
  Tiling best;
  const double co = static_cast<double>(blocks_of(s.out_channels) * kLanes);
  best.cost = 3 * 2 * static_cast<double>(s.length) * static_cast<double>(s.kernel * s.in_channels) * co;
  static const int sizes[] = {32, 64, 96, 128, 160, 192, 256, 320, 384, 480, 512, 640, 768, 1024, 2048, 4096, 8192, 16384};
  for (int size : sizes) {
    const Tiling t = tiling_of(size, s);
    if (t.cost < best.cost) best = t;
  }
  return best;
}

static inline int64_t spectra_size(int64_t bins, int64_t channel_blocks, int64_t rows) {
  return bins * channel_blocks * rows * kPoint;
}

/// Parts the transform of tiles a + i b (buffer, position order) into the spectra of a (row `row`) and b (row + 1, unless `single`). `out`: the spectra at this channel block, row 0, frequency 0; `stride` from
/// one frequency to the next.
static inline void split_pair(float* out, int64_t stride, int64_t row, bool single, const FftPlan& plan, const float* buffer) {
  const int* position = plan.position;
  float* at = out + row * kPoint;
  for (int f = 0; f <= plan.size / 2; ++f, at += stride) {
    const Complex z = load_point(buffer + position[f] * kPoint);
    const Complex y = load_point(buffer + position[f ? plan.size - f : 0] * kPoint);
    store_point(at, {z.r + y.r, z.i - y.i});
    if (!single) store_point(at + kPoint, {z.i + y.i, y.r - z.r});
  }
}

/// The opposite: spectra of rows `row` and row + 1 (zero when `single`) into the buffer as one complex spectrum.
static inline void merge_pair(float* buffer, const FftPlan& plan, const float* in, int64_t stride, int64_t row, bool single) {
  const int* position = plan.position;
  const float* at = in + row * kPoint;
  for (int f = 0; f <= plan.size / 2; ++f, at += stride) {
    const Complex a = load_point(at);
    const Complex b = single ? Complex{Vec{}, Vec{}} : load_point(at + kPoint);
    store_point(buffer + position[f] * kPoint, {a.r - b.i, a.i + b.r});
    if (f > 0 && 2 * f < plan.size) store_point(buffer + position[plan.size - f] * kPoint, {a.r + b.i, b.r - a.i});
  }
}

/// Spectra of `samples` signals x [samples, L, C].
static void signal_spectra(float* out, const float* x, int64_t samples, int64_t length, int64_t channels, int64_t pad, const Tiling& t) {
  const FftPlan& plan = fft_plan(t.size);
  const int64_t rows = samples * t.tiles, blocks = blocks_of(channels), stride = blocks * rows * kPoint;
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

/// Spectra of the weights [Cout, Cin, K] centred on tap P, times 1 / (2 T). Forward: [frequency][Cout block][Cin padded][2][kLanes of
/// Cout]. Transposed (for dx): conjugate, [frequency][Cin block][Cout padded][2][kLanes of Cin].
static void weight_spectra(float* out, const float* weight, const ConvBlockShape& s, const Tiling& t, bool transposed) {
  const int64_t pad = s.kernel / 2, taps = pad + 1;
  const int64_t row_count = transposed ? s.out_channels : s.in_channels, lane_count = transposed ? s.in_channels : s.out_channels;
  const int64_t row_step = transposed ? s.in_channels * s.kernel : s.kernel, lane_step = transposed ? s.kernel : s.in_channels * s.kernel;
  const int64_t rows = blocks_of(row_count) * kLanes, blocks = blocks_of(lane_count);
  const int64_t stride = blocks * rows * kPoint;  // between frequencies
  const FftPlan& plan = fft_plan(t.size);
  constexpr int kBins = 8;
  const int64_t groups = (t.bins + kBins - 1) / kBins;
  Workspace work;
  // Coefficients [group][tap][kBins]: cosine, sine.
  float* cosine = work.floats(groups * taps * kBins);
  float* sine = work.floats(groups * taps * kBins);
  const float factor = 0.5f / static_cast<float>(t.size);
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t d = 0; d < taps; ++d)
      for (int f = 0; f < kBins; ++f) {
        const int64_t turn = (g * kBins + f) * d % t.size;
        cosine[(g * taps + d) * kBins + f] = factor * plan.cosine[turn];
        sine[(g * taps + d) * kBins + f] = (transposed ? -factor : factor) * plan.sine[turn];
      }
  parallel_for(blocks * rows, 4, [&](int64_t begin, int64_t end, int) {
    Workspace mine;
    float* even = mine.floats(taps * kLanes);
    float* odd = mine.floats(taps * kLanes);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t b = unit / rows, r = unit % rows;
      const int lanes = lanes_of(lane_count, b);
      float* to = out + unit * kPoint;
      if (r >= row_count) {
        for (int64_t f = 0; f < t.bins; ++f) store_point(to + f * stride, {Vec{}, Vec{}});
        continue;
      }
      for (int c = 0; c < kLanes; ++c) {
        const float* w = weight + r * row_step + (b * kLanes + c) * lane_step + pad;
        for (int64_t d = 0; d < taps; ++d) {
          even[d * kLanes + c] = c >= lanes ? 0.f : d ? w[d] + w[-d] : w[0];
          odd[d * kLanes + c] = c >= lanes ? 0.f : w[d] - w[-d];
        }
      }
      for (int64_t g = 0; g < groups; ++g) {
        Vec re[kBins] = {}, im[kBins] = {};
        const float* wc = cosine + g * taps * kBins;
        const float* ws = sine + g * taps * kBins;
        for (int64_t d = 0; d < taps; ++d) {
          const Vec e = load(even + d * kLanes);
#pragma GCC unroll 8
          for (int f = 0; f < kBins; ++f) re[f] += wc[d * kBins + f] * e;
        }
        for (int64_t d = 1; d < taps; ++d) {
          const Vec o = load(odd + d * kLanes);
#pragma GCC unroll 8
          for (int f = 0; f < kBins; ++f) im[f] += ws[d * kBins + f] * o;
        }
        for (int f = 0; f < kBins && g * kBins + f < t.bins; ++f) store_point(to + (g * kBins + f) * stride, {re[f], im[f]});
      }
    }
  });
}

// y [Rows x Blocks vectors] = x . h over all input channels, complex.
template <int Rows, int Blocks>
static inline void product_block(float* y, const float* x, const float* h, int64_t rows, int64_t in_blocks) {
  Vec re[Rows][Blocks] = {}, im[Rows][Blocks] = {};
  const int64_t h_stride = in_blocks * kLanes * kPoint;
  for (int64_t b = 0; b < in_blocks; ++b, x += rows * kPoint)
    for (int c = 0; c < kLanes; ++c, h += kPoint) {
      Vec hr[Blocks], hi[Blocks];
      for (int v = 0; v < Blocks; ++v) hr[v] = load(h + v * h_stride), hi[v] = load(h + v * h_stride + kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        const float xr = x[r * kPoint + c], xi = x[r * kPoint + kLanes + c];
#pragma GCC unroll 2
        for (int v = 0; v < Blocks; ++v) {
          re[r][v] += xr * hr[v];
          im[r][v] += xr * hi[v];
          re[r][v] -= xi * hi[v];
          im[r][v] += xi * hr[v];
        }
      }
    }
  for (int v = 0; v < Blocks; ++v)
    for (int r = 0; r < Rows; ++r) store_point(y + (v * rows + r) * kPoint, {re[r][v], im[r][v]});
}

template <int Blocks>
static void product_rows(int count, float* y, const float* x, const float* h, int64_t rows, int64_t in_blocks) {
  switch (count) {
    case 1: return product_block<1, Blocks>(y, x, h, rows, in_blocks);
    case 2: return product_block<2, Blocks>(y, x, h, rows, in_blocks);
    case 3: return product_block<3, Blocks>(y, x, h, rows, in_blocks);
    case 4: return product_block<4, Blocks>(y, x, h, rows, in_blocks);
    case 5: return product_block<5, Blocks>(y, x, h, rows, in_blocks);
    default: return product_block<6, Blocks>(y, x, h, rows, in_blocks);
  }
}

// 6 rows x 2 blocks x (re, im) fill 24 of AVX-512's 32 registers; elsewhere 6 rows x 1 block fill 12 of 16.
constexpr int kProductRows = 6, kProductBlocks = kLanes == 16 ? 2 : 1;

/// One frequency of Y [M, out] = X [M, in] . H [in, out].
static void spectral_product(float* y, const float* x, const float* h, int64_t rows, int64_t in_blocks, int64_t out_blocks) {
  const int64_t parts = (rows + kProductRows - 1) / kProductRows;
  for (int64_t b = 0; b < out_blocks;) {
    const int blocks = b + kProductBlocks <= out_blocks ? kProductBlocks : 1;
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t first = i * rows / parts;
      const int count = static_cast<int>((i + 1) * rows / parts - first);
      float* to = y + (b * rows + first) * kPoint;
      if (blocks == 1)
        product_rows<1>(count, to, x + first * kPoint, h + b * in_blocks * kLanes * kPoint, rows, in_blocks);
      else
        product_rows<kProductBlocks>(count, to, x + first * kPoint, h + b * in_blocks * kLanes * kPoint, rows, in_blocks);
    }
    b += blocks;
  }
}

// Channels ci .. ci + 3 of a block: g[c] (+)= sum over rows of conj(x[c]) d.
template <int Blocks>
static inline void gradient_block(float* g, int64_t g_row, const float* x, const float* d, int64_t rows, bool add) {
  constexpr int kCount = 4;
  Vec re[kCount][Blocks] = {}, im[kCount][Blocks] = {};
  for (int64_t m = 0; m < rows; ++m) {
    Vec dr[Blocks], di[Blocks];
    for (int v = 0; v < Blocks; ++v) dr[v] = load(d + (v * rows + m) * kPoint), di[v] = load(d + (v * rows + m) * kPoint + kLanes);
    const float* row = x + m * kPoint;
#pragma GCC unroll 4
    for (int c = 0; c < kCount; ++c) {
      const float xr = row[c], xi = row[kLanes + c];
#pragma GCC unroll 2
      for (int v = 0; v < Blocks; ++v) {
        re[c][v] += xr * dr[v];
        im[c][v] += xr * di[v];
        re[c][v] += xi * di[v];
        im[c][v] -= xi * dr[v];
      }
    }
  }
  for (int c = 0; c < kCount; ++c)
    for (int v = 0; v < Blocks; ++v) {
      float* to = g + c * g_row + v * kPoint;
      Complex sum{re[c][v], im[c][v]};
      if (add) sum = sum + load_point(to);
      store_point(to, sum);
    }
}

/// One frequency of the weights' gradient G [in padded][out block][2][kLanes] (+)= conj(X)^T . D over M rows.
static void spectral_gradient(float* g, const float* x, const float* d, int64_t rows, int64_t in_blocks, int64_t out_blocks, bool add) {
  const int64_t g_row = out_blocks * kPoint;
  for (int64_t ib = 0; ib < in_blocks; ++ib)
    for (int64_t b = 0; b < out_blocks;) {
      const int blocks = b + kProductBlocks <= out_blocks ? kProductBlocks : 1;
      for (int c = 0; c < kLanes; c += 4) {
        float* to = g + (ib * kLanes + c) * g_row + b * kPoint;
        const float* from = x + ib * rows * kPoint + c;
        if (blocks == 1)
          gradient_block<1>(to, g_row, from, d + b * rows * kPoint, rows, add);
        else
          gradient_block<kProductBlocks>(to, g_row, from, d + b * rows * kPoint, rows, add);
      }
      b += blocks;
    }
}

// Taps d0 .. d0 + Count - 1: out[d] = sum over frequencies of coefficients[f][d] * g[f].
template <int Count>
static inline void gradient_taps(float* out, const float* g, int64_t stride, const float* coefficients, int64_t taps, int64_t bins) {
  Vec acc[Count] = {};
  for (int64_t f = 0; f < bins; ++f) {
    const Vec v = load(g + f * stride);
    const float* w = coefficients + f * taps;
#pragma GCC unroll 13
    for (int d = 0; d < Count; ++d) acc[d] += w[d] * v;
  }
  for (int d = 0; d < Count; ++d) store(out + d * kLanes, acc[d]);
}

/// The K taps of the weights' gradient [Cout, Cin, K] from its spectra (spectral_gradient's, of spectra that are twice their true value).
static void weight_gradient(float* out, const float* g, const ConvBlockShape& s, const Tiling& t) {
  const int64_t pad = s.kernel / 2, taps = pad + 1, blocks = blocks_of(s.out_channels);
  const int64_t stride = blocks_of(s.in_channels) * kLanes * blocks * kPoint;
  const FftPlan& plan = fft_plan(t.size);
  Workspace work;
  float* cosine = work.floats(t.bins * taps);
  float* sine = work.floats(t.bins * taps);
  for (int64_t f = 0; f < t.bins; ++f) {
    const float factor = (f == 0 || 2 * f == t.size ? 0.25f : 0.5f) / static_cast<float>(t.size);
    for (int64_t d = 0; d < taps; ++d) {
      cosine[f * taps + d] = factor * plan.cosine[f * d % t.size];
      sine[f * taps + d] = factor * plan.sine[f * d % t.size];
    }
  }
  parallel_for(s.in_channels * blocks, 4, [&](int64_t begin, int64_t end, int) {
    Workspace mine;
    float* even = mine.floats(taps * kLanes);
    float* odd = mine.floats(taps * kLanes);
    constexpr int kTaps = kLanes == 16 ? 13 : 10;
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t ci = unit / blocks, b = unit % blocks;
      const float* from = g + unit * kPoint;
      int64_t d = 0;
      for (; d + kTaps <= taps; d += kTaps) {
        gradient_taps<kTaps>(even + d * kLanes, from, stride, cosine + d, taps, t.bins);
        gradient_taps<kTaps>(odd + d * kLanes, from + kLanes, stride, sine + d, taps, t.bins);
      }
      for (; d < taps; ++d) {
        gradient_taps<1>(even + d * kLanes, from, stride, cosine + d, taps, t.bins);
        gradient_taps<1>(odd + d * kLanes, from + kLanes, stride, sine + d, taps, t.bins);
      }
      for (int c = 0; c < lanes_of(s.out_channels, b); ++c) {
        float* w = out + ((b * kLanes + c) * s.in_channels + ci) * s.kernel + pad;
        w[0] = even[c];
        for (d = 1; d < taps; ++d) {
          w[d] = even[d * kLanes + c] + odd[d * kLanes + c];
          w[-d] = even[d * kLanes + c] - odd[d * kLanes + c];
        }
      }
    }
  });
}

}  // namespace asterolab::ASTEROLAB_ISA
