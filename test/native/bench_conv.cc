// Times the six convolution blocks of the reference network, forward and backward, by phase.
//
//   bench_conv [batch = 32] [threads = 2] [rounds = 3] [stage = 0 (all)] [cpu]
//
// `cpu` counts processor time in place of wall time: for one thread on a machine that others load. Prints the best
// round of each stage, and a large matrix product beside it as the machine's yardstick.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "conv_block.h"
#include "gemm.h"
#include "isa.h"
#include "memory.h"
#include "parallel.h"
#include "phases.h"

using namespace asterolab;

static double now() { return phase_clock(); }

static float* random_floats(size_t n, float factor, unsigned seed) {
  float* p = static_cast<float*>(allocate_pages(n * sizeof(float)));
  uint32_t state = seed * 2654435761u + 1;
  for (size_t i = 0; i < n; ++i) {
    state = state * 1664525u + 1013904223u;
    p[i] = (static_cast<float>(state >> 8) / 8388608.f - 1.f) * factor;
  }
  return p;
}

static double product_rate() {
  const int64_t m = 1536, n = 1024, k = 1024;
  float *a = random_floats(m * k, 1, 1), *b = random_floats(k * n, 1, 2), *c = random_floats(m * n, 1, 3);
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const double t = now();
    gemm(c, n, a, k, b, n, {m, n, k});
    best = std::min(best, now() - t);
  }
  free_pages(a, m * k * 4), free_pages(b, k * n * 4), free_pages(c, m * n * 4);
  return 2.0 * m * n * k / best / 1e9;
}

int main(int argc, char** argv) {
  const int64_t batch = argc > 1 ? std::atoll(argv[1]) : 32;
  set_threads(argc > 2 ? std::atoi(argv[2]) : 2);
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 3, only = argc > 4 ? std::atoi(argv[4]) : 0;
  // Processor time, for one thread on a loaded machine.
  set_phase_timing(true, argc > 5);
  const int64_t channels[] = {1, 16, 32, 64, 128, 256, 512}, lengths[] = {35692, 11898, 3966, 1322, 441, 147};
  std::printf("%s, %d threads, batch %ld; large product %.0f GFLOP/s\n", isa_name(), threads(), long(batch), product_rate());
  double forward_total = 0, backward_total = 0, inference_total = 0;
  for (int stage = 0; stage < 6; ++stage) {
    if (only && stage + 1 != only) continue;
    const ConvBlockShape s{batch, lengths[stage], channels[stage], channels[stage + 1], 51};
    const size_t x_size = batch * s.length * s.in_channels, out_size = batch * s.out_length() * s.out_channels;
    const size_t w_size = s.out_channels * s.in_channels * s.kernel, saved_size = conv_block_saved_size(s);
    float *x = random_floats(x_size, 1, 1), *dx = random_floats(x_size, 1, 2), *weight = random_floats(w_size, 0.05f, 3);
    float *dw = random_floats(w_size, 1, 4), *channel = random_floats(6 * s.out_channels, 1, 5);
    float *out = random_floats(out_size, 1, 6), *dout = random_floats(out_size, 1, 7),
        *saved = random_floats(saved_size, 0, 8);
    const int64_t c = s.out_channels;
    const ConvBlockWeights w{weight, channel, channel + c, channel + 2 * c};
    double forward = 1e9, backward = 1e9, inference = 1e9;
    PhaseTotal best[64];
    int count = 0;
    for (int round = 0; round < rounds; ++round) {
      clear_phases();
      const double t0 = now();
      conv_block_forward(out, saved, x, w, s);
      const double t1 = now();
      conv_block_backward(stage ? dx : nullptr, {dw, channel + 3 * c, channel + 4 * c, channel + 5 * c}, dout, x, w,
          saved, s);
      const double t2 = now();
      PhaseTotal phases[64];
      const int n = phase_totals(phases, 64);
      for (int i = 0; i < n; ++i)
        if (round == 0 || phases[i].seconds < best[i].seconds) best[i] = phases[i];
      count = n;
      forward = std::min(forward, t1 - t0);
      backward = std::min(backward, t2 - t1);
      const double t3 = now();
      conv_block_forward(out, nullptr, x, w, s);
      inference = std::min(inference, now() - t3);
    }
    std::printf("%d  %4ld -> %3ld  forward %6.1f  backward %6.1f  inference %6.1f ms |", stage + 1, long(s.in_channels), long(c), 1e3 * forward, 1e3 * backward,
                1e3 * inference);
    for (int i = 0; i < count; ++i) {
      std::printf(" %s %.1f", best[i].name, 1e3 * best[i].seconds);
      if (best[i].flops > 0) std::printf(" (%.0f GF/s)", best[i].flops / best[i].seconds / 1e9);
      std::printf(i + 1 < count ? "," : "\n");
    }
    if (count == 0) std::printf("\n");
    forward_total += forward, backward_total += backward, inference_total += inference;
    free_pages(x, x_size * 4), free_pages(dx, x_size * 4), free_pages(weight, w_size * 4), free_pages(dw, w_size * 4);
    free_pages(channel, 24 * c), free_pages(out, out_size * 4), free_pages(dout, out_size * 4), free_pages(saved,
        saved_size * 4);
  }
  std::printf("forward %.1f + backward %.1f ms = %.1f samples/s; inference %.1f ms = %.1f samples/s; scratch %.0f MB; large product %.0f GFLOP/s\n",
              1e3 * forward_total, 1e3 * backward_total, batch / (forward_total + backward_total), 1e3 * inference_total,
              batch / inference_total, workspace_bytes() / 1e6, product_rate());
  return 0;
}
