// What the two forms of the convolution block share: how a batch is cut, the saved buffer's layout and the sums over samples.
#pragma once

#include "conv_block.h"
#include "fold_isa.h"
#include "spectral_isa.h"

namespace asterolab::ASTEROLAB_ISA {

/// Part of a slice that passes at once.
struct Chunk {
  int64_t first, samples;
  int slice;
  bool opens, closes;  // is the first, or the last, of its slice
};

/// Samples whose spectra stay in cache together: whole chunks.
struct Group {
  int64_t first, samples, index;
};

/// How a batch is cut. What a chunk holds depends on its slice alone, so that sums over it are the same on any rank.
struct Cutting {
  const ConvBlockShape& shape;
  int64_t limit;  // most samples of a group
  int64_t chain;  // samples that share transforms: 1 or 2

  Cutting(const ConvBlockShape& s, const Tiling& t) : shape(s), chain(t.tiles % 2 ? 2 : 1) {
    // Spectra of a group may take 8 MiB, or as much as the weights' spectra, which every group streams through once.
    const int64_t in = blocks_of(s.in_channels), out = blocks_of(s.out_channels);
    const int64_t sample = t.tiles * t.bins * (in + out) * kPoint, weights = t.bins * in * out * kLanes * kPoint;
    limit = (weights > (2 << 20) ? weights : 2 << 20) / sample;
    const int64_t fewest = (24 + t.tiles - 1) / t.tiles;
    if (limit < fewest) limit = fewest;
    if (chain == 2) limit += limit % 2;
  }
  Chunk chunk_at(int64_t first) const {
    int slice = 0;
    int64_t begin = 0, end = rows_of(shape.division, 0, shape.batch);
    while (end <= first) {
      begin = end;
      end += rows_of(shape.division, ++slice, shape.batch);
    }
    const int64_t pieces = (end - begin + limit - 1) / limit;
    int64_t samples = (end - begin + pieces - 1) / pieces;
    if (chain == 2) samples += samples % 2;
    if (samples > end - first) samples = end - first;
    return {first, samples, slice, first == begin, first + samples == end};
  }
  /// The group after `before`; the first after {}. One of no samples follows the last.
  Group next(const Group& before) const {
    Group group{before.first + before.samples, 0, before.samples ? before.index + 1 : 0};
    for (int64_t end = group.first; end < shape.batch; end = group.first + group.samples) {
      const int64_t more = chunk_at(end).samples;
      if (group.samples && group.samples + more > limit) break;
      group.samples += more;
    }
    return group;
  }
  int64_t groups() const {
    int64_t count = 0;
    for (Group g = next({}); g.samples; g = next(g)) ++count;
    return count;
  }
  int64_t largest_group() const {
    int64_t largest = 0;
    for (Group g = next({}); g.samples; g = next(g)) largest = g.samples > largest ? g.samples : largest;
    return largest;
  }
  bool has_parted_slices() const {
    for (int64_t first = 0; first < shape.batch; first += chunk_at(first).samples)
      if (!chunk_at(first).closes) return true;
    return false;
  }
};

/// Offsets in the saved buffer: pre [B][Cout block][L][kLanes], mean and inverse deviation [B][Cout block][kLanes],
/// spectra of x group after group (none in the direct form).
struct Saved {
  int64_t pre, mean, inverse, spectra, total;
  int64_t sample, gap;  // floats of a sample's spectra, and between groups
  Saved(const ConvBlockShape& s, const Tiling& t) {
    const int64_t rows = s.batch * blocks_of(s.out_channels) * kLanes;
    pre = 0;
    mean = rows * s.length;
    inverse = mean + rows;
    spectra = inverse + rows;
    sample = t.bins * blocks_of(s.in_channels) * t.tiles * kPoint;
    gap = t.bins * kPoint;
    total = spectra;
    if (t.size) total += s.batch * sample + Cutting(s, t).groups() * gap;
  }
  int64_t spectra_of(const Group& g) const { return spectra + g.first * sample + g.index * gap; }
};

/// out[c] = sum over samples of parts[n][c], parts [batch][width] in double, in sample order.
static void sum_samples(float* out, const double* parts, int64_t batch, int64_t width, int64_t count) {
  for (int64_t c = 0; c < count; ++c) {
    double sum = 0;
    for (int64_t n = 0; n < batch; ++n) sum += parts[n * width + c];
    out[c] = static_cast<float>(sum);
  }
}

/// The same by the slices of a division.
static void sum_slices(float* out, const double* parts, const ConvBlockShape& s, int64_t width, int64_t count) {
  Workspace work;
  const Slots slots(work, out, count, s.division);
  float* own = work.floats(static_cast<size_t>(count));
  for (int slice = 0; slice < slices_of(s.division); ++slice) {
    const int64_t rows = rows_of(s.division, slice, s.batch);
    sum_samples(own, parts, rows, width, count);
    fold(slots, fold_of(s.division, slice), own, count);
    parts += rows * width;
  }
}

}  // namespace asterolab::ASTEROLAB_ISA
