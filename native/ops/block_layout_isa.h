// What the two forms of the convolution block share: the saved buffer's layout and the sums over samples.
#pragma once

#include "conv_block.h"
#include "spectral_isa.h"

namespace asterolab::ASTEROLAB_ISA {

/// Offsets in the saved buffer: pre [B][Cout block][L][kLanes], mean and inverse deviation [B][Cout block][kLanes], spectra of x
/// (none in the direct form).
struct Saved {
  int64_t pre, mean, inverse, spectra, total;
  Saved(const ConvBlockShape& s, const Tiling& t) {
    const int64_t rows = s.batch * blocks_of(s.out_channels) * kLanes;
    pre = 0;
    mean = rows * s.length;
    inverse = mean + rows;
    spectra = inverse + rows;
    total = spectra + (t.size ? spectra_size(t.bins, blocks_of(s.in_channels), s.batch * t.tiles) : 0);
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
