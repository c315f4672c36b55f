// The convolution block with its convolution in the frequency domain. Samples pass in groups whose spectra stay in
// cache; in a group, the transforms run by chains (a sample, or two that share their transforms when they have an odd
// number of tiles).
#pragma once

#include "block_layout_isa.h"
#include "norm_pool_isa.h"
#include "phases.h"
#include "weight_gradient_isa.h"
#include "weight_spectra_isa.h"

namespace asterolab::ASTEROLAB_ISA {

/// Many channels: the weights' spectra are worth recomputing rather than keeping.
static bool many_channels(const ConvBlockShape& s) {
  return blocks_of(s.in_channels) * blocks_of(s.out_channels) >= (kLanes == 16 ? 64 : 128);
}

/// Enough pairs of channel blocks to share out the gradient by them.
static bool gradient_by_blocks(const ConvBlockShape& s) { return blocks_of(s.in_channels) * blocks_of(s.out_channels) >= 32; }

static void forward_spectral(float* out, float* saved, const float* x, const ConvBlockWeights& w,
    const ConvBlockShape& s, const Tiling& t) {
  const int64_t pad = s.kernel / 2, in_blocks = blocks_of(s.in_channels), out_blocks = blocks_of(s.out_channels);
  const int64_t out_length = s.out_length();
  const Saved at(s, t);
  const Cutting cutting(s, t);
  const int64_t most = cutting.largest_group() * t.tiles;
  const FftPlan& plan = fft_plan(t.size);
  Workspace work;
  const bool many = many_channels(s);
  float* weights = many ? nullptr : work.floats(spectra_size(t.bins, out_blocks, in_blocks * kLanes));
  float* x_spectra = saved ? nullptr : work.floats(spectra_size(t.bins, in_blocks, most));
  float* y_spectra = work.floats(spectra_size(t.bins, out_blocks, most));
  if (!many) {
    Phase phase("weight spectra");
    weight_spectra(weights, w.weight, s, t, false);
  }
  for (Group g = cutting.next({}); g.samples; g = cutting.next(g)) {
    const int64_t first = g.first, samples = g.samples, rows = samples * t.tiles;
    const int64_t x_stride = spectra_stride(in_blocks, rows), y_stride = spectra_stride(out_blocks, rows);
    float* xs = saved ? saved + at.spectra_of(g) : x_spectra;
    {
      Phase phase("x spectra");
      signal_spectra(xs, x + first * s.length * s.in_channels, samples, s.length, s.in_channels, pad, t);
    }
    {
      Phase phase("y product", 8.0 * t.bins * rows * in_blocks * out_blocks * kLanes * kLanes);
      if (many)
        weight_product(y_spectra, xs, w.weight, rows, s, t, false);
      else
        parallel_for(t.bins, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t f = begin; f < end; ++f)
          spectral_product(y_spectra + f * y_stride, xs + f * x_stride,
                           weights + f * spectra_stride(out_blocks, in_blocks * kLanes), rows, in_blocks, out_blocks,
                               false, x_stride);
      });
    }
    Phase phase("y inverse, norm, pool");
    const int64_t chains = (samples + cutting.chain - 1) / cutting.chain;
    parallel_for(chains * out_blocks, 1, [&](int64_t begin, int64_t end, int) {
      Workspace mine;
      float* buffer = mine.floats(t.size * kPoint);
      float* scratch = mine.floats(cutting.chain * s.length * kLanes);
      for (int64_t task = begin; task < end; ++task) {
        const int64_t b = task % out_blocks, n0 = task / out_blocks * cutting.chain,
            n1 = n0 + cutting.chain < samples ? n0 + cutting.chain : samples;
        const int lanes = lanes_of(s.out_channels, b);
        const Vec bias = load_some(w.bias + b * kLanes, lanes);
        const float* in = y_spectra + b * rows * kPoint;
        auto pre_of = [&](int64_t n) { return scratch + (n - n0) * s.length * kLanes; };
        Moments moments[2];
        for (int64_t row = n0 * t.tiles; row < n1 * t.tiles; row += 2) {
          const bool single = row + 1 >= n1 * t.tiles;
          merge_pair(buffer, plan, in, y_stride, row, single);
          float* to[2] = {nullptr, nullptr};
          int last[2] = {0, 0};  // points pad .. last - 1 are wanted
          for (int h = 0; h < (single ? 1 : 2); ++h) {
            const int64_t start = (row + h) % t.tiles * t.step, left = s.length - start;
            to[h] = pre_of((row + h) / t.tiles) + start * kLanes;
            last[h] = static_cast<int>(pad + (left < t.step ? left : t.step));
          }
          const int offset = static_cast<int>(pad);
          fft_inverse(plan, buffer, [&](int i, Complex c) {
            if (i < offset) return;
            if (i < last[0]) store(to[0] + (i - offset) * kLanes, c.r + bias);
            if (i < last[1]) store(to[1] + (i - offset) * kLanes, c.i + bias);
          });
          for (int h = 0; h < (single ? 1 : 2); ++h) moments[(row + h) / t.tiles - n0].add(to[h], kLanes,
              last[h] - offset);
        }
        for (int64_t n = n0; n < n1; ++n) {
          float local[2 * kLanes];
          const int64_t channel = ((first + n) * out_blocks + b) * kLanes;
          float* mean = saved ? saved + at.mean + channel : local;
          float* inverse = saved ? saved + at.inverse + channel : local + kLanes;
          moments[n - n0].finish(mean, inverse);
          const Affine f = norm_affine(mean, inverse, load_some(w.scale + b * kLanes, lanes),
              load_some(w.shift + b * kLanes, lanes));
          norm_pool_forward(out + (first + n) * out_length * s.out_channels + b * kLanes, s.out_channels, lanes,
              pre_of(n), s.length, f,
                            saved ? saved + at.pre + channel * s.length : nullptr);
        }
      }
    });
  }
}

static void backward_spectral(float* dx, const ConvBlockGradients& grad, const float* dout, const ConvBlockWeights& w,
    const float* saved,
                              const ConvBlockShape& s, const Tiling& t) {
  const int64_t pad = s.kernel / 2, in_blocks = blocks_of(s.in_channels), out_blocks = blocks_of(s.out_channels);
  const int64_t out_length = s.out_length(), width = out_blocks * kLanes;
  const Saved at(s, t);
  const Cutting cutting(s, t);
  const int64_t most = cutting.largest_group() * t.tiles;
  const FftPlan& plan = fft_plan(t.size);
  Workspace work;
  double* sums = reinterpret_cast<double*>(work.floats(2 * 2 * s.batch * width));  // gradients of scale and shift by sample
  double* bias_sums = reinterpret_cast<double*>(work.floats(2 * s.batch * width));
  std::memset(bias_sums, 0, s.batch * width * sizeof(double));
  const bool many = many_channels(s);
  float* weights = dx && !many ? work.floats(spectra_size(t.bins, in_blocks, out_blocks * kLanes)) : nullptr;
  float* dy_spectra = work.floats(spectra_size(t.bins, out_blocks, most));
  float* dx_spectra = dx ? work.floats(spectra_size(t.bins, in_blocks, most)) : nullptr;
  const bool by_blocks = gradient_by_blocks(s);
  float* dw_spectra = by_blocks ? nullptr : work.floats(spectra_size(t.bins, out_blocks, in_blocks * kLanes));
  const int64_t weight_count = s.out_channels * s.in_channels * s.kernel;
  const Slots slots(work, grad.weight, weight_count, s.division);
  float* partial = grad.weight;  // where nothing else waits there
  if (slices_of(s.division) > 1) partial = by_blocks && cutting.has_parted_slices() ? work.floats(weight_count) : nullptr;
  if (weights) {
    Phase phase("weight spectra, transposed");
    weight_spectra(weights, w.weight, s, t, true);
  }
  for (Group g = cutting.next({}); g.samples; g = cutting.next(g)) {
    const int64_t first = g.first, samples = g.samples, rows = samples * t.tiles;
    const int64_t x_stride = spectra_stride(in_blocks, rows), y_stride = spectra_stride(out_blocks, rows);
    const int64_t chains = (samples + cutting.chain - 1) / cutting.chain;
    {
      Phase phase("dy, dy spectra");
      parallel_for(chains * out_blocks, 1, [&](int64_t begin, int64_t end, int) {
        Workspace mine;
        float* buffer = mine.floats(t.size * kPoint);
        for (int64_t task = begin; task < end; ++task) {
          const int64_t b = task % out_blocks, n0 = task / out_blocks * cutting.chain,
              n1 = n0 + cutting.chain < samples ? n0 + cutting.chain : samples;
          const int lanes = lanes_of(s.out_channels, b);
          NormGradient gradient[2];
          for (int64_t n = n0; n < n1; ++n) {
            const int64_t sample = first + n, block = sample * out_blocks + b;
            double* part = sums + sample * width + b * kLanes;
            gradient[n - n0] = norm_pool_sums(part, part + s.batch * width, saved + at.pre + block * s.length * kLanes,
                                              saved + at.mean + block * kLanes, saved + at.inverse + block * kLanes,
                                              load_some(w.scale + b * kLanes, lanes), load_some(w.shift + b * kLanes,
                                                  lanes),
                                              dout + sample * out_length * s.out_channels + b * kLanes,
                                                  s.out_channels, lanes, s.length);
          }
          for (int64_t row = n0 * t.tiles; row < n1 * t.tiles; row += 2) {
            const bool single = row + 1 >= n1 * t.tiles;
            int last[2] = {0, 0};
            for (int h = 0; h < (single ? 1 : 2); ++h) {
              const int64_t n = (row + h) / t.tiles, start = (row + h) % t.tiles * t.step, left = s.length - start;
              const int64_t count = left < t.step ? left : t.step;
              last[h] = static_cast<int>(pad + count);
              norm_pool_backward(buffer + pad * kPoint + h * kLanes, kPoint,
                                 saved + at.pre + ((first + n) * out_blocks + b) * s.length * kLanes, gradient[n - n0],
                                 dout + (first + n) * out_length * s.out_channels + b * kLanes, s.out_channels, lanes,
                                     s.length, start / 3,
                                 (start + count + 2) / 3);
            }
            const int offset = static_cast<int>(pad);
            fft_forward(plan, buffer, [&](int i) -> Complex {
              Complex c{};
              if (i < offset) return c;
              if (i < last[0]) c.r = load(buffer + i * kPoint);
              if (i < last[1]) c.i = load(buffer + i * kPoint + kLanes);
              return c;
            });
            split_pair(dy_spectra + b * rows * kPoint, y_stride, row, single, plan, buffer);
          }
        }
      });
      // Frequency 0 is the sum over the signal (twice).
      for (int64_t b = 0; b < out_blocks; ++b)
        for (int64_t m = 0; m < rows; ++m)
          for (int c = 0; c < kLanes; ++c)
            bias_sums[(first + m / t.tiles) * width + b * kLanes + c] += 0.5 * dy_spectra[(b * rows + m) * kPoint + c];
    }
    const float* xs = saved + at.spectra_of(g);
    if (by_blocks) {
      Phase phase("dw product", 8.0 * t.bins * rows * in_blocks * out_blocks * kLanes * kLanes);
      weight_gradient_product(slots, partial, xs, dy_spectra, g, cutting, s, t);
    }
    for (int64_t n = first; !by_blocks && n < first + samples;) {
      const Chunk chunk = cutting.chunk_at(n);
      const int64_t row = (n - first) * t.tiles * kPoint;
      {
        Phase phase("dw product", 8.0 * t.bins * chunk.samples * t.tiles * in_blocks * out_blocks * kLanes * kLanes);
        parallel_for(t.bins, 1, [&](int64_t begin, int64_t end, int) {
          for (int64_t f = begin; f < end; ++f)
            spectral_gradient(dw_spectra + f * spectra_stride(out_blocks, in_blocks * kLanes), xs + f * x_stride + row,
                              dy_spectra + f * y_stride + row, chunk.samples * t.tiles, rows, in_blocks, out_blocks,
                              !chunk.opens, x_stride, y_stride);
        });
      }
      if (chunk.closes) {
        Phase phase("dw taps");
        weight_gradient({slots, nullptr, true, true, fold_of(s.division, chunk.slice)}, dw_spectra, s, t);
      }
      n += chunk.samples;
    }
    if (!dx) continue;
    {
      Phase phase("dx product", 8.0 * t.bins * rows * in_blocks * out_blocks * kLanes * kLanes);
      if (many)
        weight_product(dx_spectra, dy_spectra, w.weight, rows, s, t, true);
      else
        parallel_for(t.bins, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t f = begin; f < end; ++f)
          spectral_product(dx_spectra + f * x_stride, dy_spectra + f * y_stride,
                           weights + f * spectra_stride(in_blocks, out_blocks * kLanes), rows, out_blocks, in_blocks,
                               false, y_stride);
      });
    }
    Phase phase("dx inverse");
    parallel_for(chains * in_blocks, 1, [&](int64_t begin, int64_t end, int) {
      Workspace mine;
      float* buffer = mine.floats(t.size * kPoint);
      for (int64_t task = begin; task < end; ++task) {
        const int64_t b = task % in_blocks, n0 = task / in_blocks * cutting.chain,
            n1 = n0 + cutting.chain < samples ? n0 + cutting.chain : samples;
        const int lanes = lanes_of(s.in_channels, b);
        const int64_t step = s.in_channels;
        for (int64_t row = n0 * t.tiles; row < n1 * t.tiles; row += 2) {
          const bool single = row + 1 >= n1 * t.tiles;
          merge_pair(buffer, plan, dx_spectra + b * rows * kPoint, x_stride, row, single);
          fft_inverse(plan, buffer, [&](int i, Complex c) { store_point(buffer + i * kPoint, c); });
          // Overlap-add: a tile's first 2 P points meet the end of the tile before it.
          for (int h = 0; h < (single ? 1 : 2); ++h) {
            const int64_t n = (row + h) / t.tiles, tile = (row + h) % t.tiles, start = tile * t.step - pad,
                left = s.length - start;
            float* to = dx + ((first + n) * s.length + start) * step + b * kLanes;
            const float* from = buffer + h * kLanes;
            const int64_t reach = t.tiles == 1 ? t.size : t.step + 2 * pad, end_point = left < reach ? left : reach;
            const int64_t from_point = start < 0 ? -start : 0,
                overlap = tile ? (2 * pad < end_point ? 2 * pad : end_point) : from_point;
            for (int64_t i = from_point; i < overlap; ++i)
              store_some(to + i * step, load_some(to + i * step, lanes) + load(from + i * kPoint), lanes);
            for (int64_t i = overlap; i < end_point; ++i) store_some(to + i * step, load(from + i * kPoint), lanes);
          }
        }
      }
    });
  }
  sum_slices(grad.scale, sums, s, width, s.out_channels);
  sum_slices(grad.shift, sums + s.batch * width, s, width, s.out_channels);
  sum_slices(grad.bias, bias_sums, s, width, s.out_channels);
}

}  // namespace asterolab::ASTEROLAB_ISA
