// The convolution block with its convolution summed directly.
#pragma once

#include "block_layout_isa.h"
#include "gemm.h"
#include "norm_pool_isa.h"

namespace asterolab::ASTEROLAB_ISA {

static void forward_direct(float* out, float* saved, const float* x, const ConvBlockWeights& w, const ConvBlockShape& s) {
  const int64_t blocks = blocks_of(s.out_channels), pad = s.kernel / 2, taps = s.kernel * s.in_channels;
  const int64_t out_length = s.out_length();
  const Saved at(s, Tiling{});
  Workspace work;
  float* weights = work.floats(blocks * taps * kLanes);
  direct_weights(weights, w.weight, s);
  parallel_for(s.batch * blocks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t n = task / blocks, b = task % blocks;
      const int lanes = lanes_of(s.out_channels, b);
      Workspace mine;
      float* padded = mine.floats((s.length + 2 * pad) * s.in_channels);
      pad_signal(padded, x + n * s.length * s.in_channels, s.length, s.in_channels, pad);
      float* pre = mine.floats(s.length * kLanes);
      Moments moments;
      for (int64_t p = 0; p < s.length; p += 240) {
        const int64_t count = s.length - p < 240 ? s.length - p : 240;
        direct_forward(pre + p * kLanes, padded + p * s.in_channels, weights + b * taps * kLanes, w.bias + b * kLanes,
                       lanes, count, s.in_channels, taps);
        moments.add(pre + p * kLanes, kLanes, count);
      }
      float local[2 * kLanes];
      float* mean = saved ? saved + at.mean + task * kLanes : local;
      float* inverse = saved ? saved + at.inverse + task * kLanes : local + kLanes;
      moments.finish(mean, inverse);
      const Affine f = norm_affine(mean, inverse, load_some(w.scale + b * kLanes, lanes),
          load_some(w.shift + b * kLanes, lanes));
      norm_pool_forward(out + n * out_length * s.out_channels + b * kLanes, s.out_channels, lanes, pre, s.length, f,
                        saved ? saved + at.pre + task * s.length * kLanes : nullptr);
    }
  });
}

static void backward_direct(float* dx, const ConvBlockGradients& grad, const float* dout, const float* x,
                     const ConvBlockWeights& w, const float* saved, const ConvBlockShape& s) {
  const int64_t blocks = blocks_of(s.out_channels), pad = s.kernel / 2, taps = s.kernel * s.in_channels;
  const int64_t out_length = s.out_length(), width = blocks * kLanes;
  const Saved at(s, Tiling{});
  Workspace work;
  // Per sample: double sums [scale, shift, bias] of each channel, float sums of each weight.
  double* sums = reinterpret_cast<double*>(work.floats(2 * 3 * s.batch * width));
  float* weight_sums = work.floats(s.batch * blocks * taps * kLanes);
  const int64_t dy_row = s.out_channels;
  float* dy_all = dx ? work.floats(s.batch * (s.length + 2 * pad) * dy_row) : nullptr;
  if (dx)
    for (int64_t n = 0; n < s.batch; ++n) {
      float* dy = dy_all + n * (s.length + 2 * pad) * dy_row;
      std::memset(dy, 0, pad * dy_row * sizeof(float));
      std::memset(dy + (pad + s.length) * dy_row, 0, pad * dy_row * sizeof(float));
    }
  parallel_for(s.batch * blocks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t n = task / blocks, b = task % blocks;
      const int lanes = lanes_of(s.out_channels, b);
      Workspace mine;
      float* padded = mine.floats((s.length + 2 * pad) * s.in_channels);
      pad_signal(padded, x + n * s.length * s.in_channels, s.length, s.in_channels, pad);
      const float* pre = saved + at.pre + task * s.length * kLanes;
      const float* dout_block = dout + n * out_length * s.out_channels + b * kLanes;
      double* part = sums + n * width + b * kLanes;
      const NormGradient g = norm_pool_sums(part, part + s.batch * width, pre, saved + at.mean + task * kLanes,
                                            saved + at.inverse + task * kLanes, load_some(w.scale + b * kLanes, lanes),
                                            load_some(w.shift + b * kLanes, lanes), dout_block, s.out_channels, lanes,
                                                s.length);
      float* weight_sum = weight_sums + task * taps * kLanes;
      std::memset(weight_sum, 0, taps * kLanes * sizeof(float));
      double bias[kLanes] = {};
      constexpr int64_t kChunk = 80;
      alignas(64) float dy[3 * kChunk * kLanes];
      for (int64_t j = 0; j < out_length; j += kChunk) {
        const int64_t j1 = j + kChunk < out_length ? j + kChunk : out_length;
        const int64_t p = 3 * j, count = (3 * j1 < s.length ? 3 * j1 : s.length) - p;
        norm_pool_backward(dy, kLanes, pre, g, dout_block, s.out_channels, lanes, s.length, j, j1);
        Vec sum = {};
        for (int64_t i = 0; i < count; ++i) sum += load(dy + i * kLanes);
        for (int c = 0; c < kLanes; ++c) bias[c] += sum[c];
        direct_weight_gradient(weight_sum, dy, padded + p * s.in_channels, count, s.in_channels, taps);
        if (dx)
          for (int64_t i = 0; i < count; ++i)
            store_some(dy_all + (n * (s.length + 2 * pad) + pad + p + i) * dy_row + b * kLanes, load(dy + i * kLanes),
                lanes);
      }
      for (int c = 0; c < kLanes; ++c) part[2 * s.batch * width + c] = bias[c];
    }
  });
  sum_slices(grad.scale, sums, s, width, s.out_channels);
  sum_slices(grad.shift, sums + s.batch * width, s, width, s.out_channels);
  sum_slices(grad.bias, sums + 2 * s.batch * width, s, width, s.out_channels);
  const Slots slots(work, grad.weight, s.out_channels * taps, s.division);
  parallel_for(blocks * taps, 8, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / taps, q = i % taps;
      for (int c = 0; c < lanes_of(s.out_channels, b); ++c) {
        const int64_t to = ((b * kLanes + c) * s.in_channels + q % s.in_channels) * s.kernel + q / s.in_channels;
        int64_t n = 0, end = 0;
        for (int slice = 0; slice < slices_of(s.division); ++slice) {
          double sum = 0;
          for (end += rows_of(s.division, slice, s.batch); n < end; ++n)
            sum += weight_sums[((n * blocks + b) * taps + q) * kLanes + c];
          const float own = static_cast<float>(sum);
          fold(slots.from(to), fold_of(s.division, slice), &own, 1);
        }
      }
    }
  });
  if (!dx) return;
  // dx[p] = sum over k of dy[p + P - k] weight[:, :, k]: the same overlapping-rows product, kernel reversed.
  const int64_t back_taps = s.kernel * dy_row;
  float* flipped = work.floats(back_taps * s.in_channels);
  for (int64_t k = 0; k < s.kernel; ++k)
    for (int64_t co = 0; co < s.out_channels; ++co)
      for (int64_t ci = 0; ci < s.in_channels; ++ci)
        flipped[(k * dy_row + co) * s.in_channels + ci] = w.weight[(co * s.in_channels + ci) * s.kernel
            + s.kernel - 1 - k];
  Gemm shape{s.length, s.in_channels, back_taps};
  for (int64_t n = 0; n < s.batch; ++n)
    gemm(dx + n * s.length * s.in_channels, s.in_channels, dy_all + n * (s.length + 2 * pad) * dy_row, dy_row, flipped,
         s.in_channels, shape);
}

}  // namespace asterolab::ASTEROLAB_ISA
