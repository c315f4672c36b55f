// What the two forms of the convolution block share: the saved buffer's layout and the sums over samples.
#pragma once

#include "conv_block.h"
#include "spectral_isa.h"

namespace asterolab::ASTEROLAB_ISA {

/// How a batch is cut.
struct Grouping {
  int64_t group;  // samples per group (the last may have fewer)
  int64_t chain;  // samples per chain: 1 or 2
};

static Grouping grouping_of(const ConvBlockShape& s, const Tiling& t) {
  // Spectra of a group may take 8 MiB, or as much as the weights' spectra, which every group streams through once.
  const int64_t in = blocks_of(s.in_channels), out = blocks_of(s.out_channels);
  const int64_t sample = t.tiles * t.bins * (in + out) * kPoint, weights = t.bins * in * out * kLanes * kPoint;
  const int64_t budget = weights > (2 << 20) ? weights : 2 << 20;
  int64_t group = budget / sample;
  const int64_t fewest = (24 + t.tiles - 1) / t.tiles;
  if (group < fewest) group = fewest;
  if (group > s.batch) group = s.batch;
  const int64_t groups = (s.batch + group - 1) / group;
  Grouping g{(s.batch + groups - 1) / groups, t.tiles % 2 ? 2 : 1};
  if (g.chain == 2 && g.group % 2) ++g.group;
  if (g.group > s.batch) g.group = s.batch;
  return g;
}

/// Offsets in the saved buffer: pre [B][Cout block][L][kLanes], mean and inverse deviation [B][Cout block][kLanes],
/// spectra of x group after group, each as large as a full group's (none in the direct form).
struct Saved {
  int64_t pre, mean, inverse, spectra, total;
  Saved(const ConvBlockShape& s, const Tiling& t) {
    const int64_t rows = s.batch * blocks_of(s.out_channels) * kLanes;
    pre = 0;
    mean = rows * s.length;
    inverse = mean + rows;
    spectra = inverse + rows;
    total = spectra;
    if (t.size) {
      const Grouping g = grouping_of(s, t);
      total += (s.batch + g.group - 1) / g.group * spectra_size(t.bins, blocks_of(s.in_channels), g.group * t.tiles);
    }
  }
};

/// out[c] = sum over samples of parts[n][c], parts [batch][width] in double, in sample order.
static void sum_samples(float* out, const double* parts, int64_t batch, int64_t width, int64_t count) {
  for (int64_t c = 0; c < count; ++c) {
    double sum = 0;
    for (int64_t n = 0; n < batch; ++n) sum += parts[n * width + c];
    out[c] = static_cast<float>(sum);
  }
}

}  // namespace asterolab::ASTEROLAB_ISA
