// The convolution block in double precision, one loop per formula: the oracle of its tests.
#pragma once

#include <cmath>
#include <vector>

#include "conv_block.h"

struct ConvReference {
  asterolab::ConvBlockShape s;
  std::vector<double> pre, mean, inverse, z, out;        // forward
  std::vector<double> dx, dweight, dbias, dscale, dshift;  // backward

  int64_t at(int64_t n, int64_t p, int64_t c) const { return (n * s.length + p) * s.out_channels + c; }

  void forward(const double* x, const double* weight, const double* bias, const double* scale, const double* shift) {
    const int64_t L = s.length, C = s.out_channels, K = s.kernel, P = K / 2, Lo = s.out_length();
    pre.assign(s.batch * L * C, 0), z = pre;
    mean.assign(s.batch * C, 0), inverse = mean;
    out.assign(s.batch * Lo * C, 0);
    for (int64_t n = 0; n < s.batch; ++n)
      for (int64_t c = 0; c < C; ++c) {
        double total = 0, square = 0;
        for (int64_t p = 0; p < L; ++p) {
          double sum = bias[c];
          for (int64_t k = 0; k < K; ++k) {
            const int64_t q = p + k - P;
            if (q < 0 || q >= L) continue;
            for (int64_t ci = 0; ci < s.in_channels; ++ci)
              sum += weight[(c * s.in_channels + ci) * K + k] * x[(n * L + q) * s.in_channels + ci];
          }
          pre[at(n, p, c)] = sum;
          total += relu(sum);
        }
        const double m = total / L;
        for (int64_t p = 0; p < L; ++p) square += (relu(pre[at(n, p, c)]) - m) * (relu(pre[at(n, p, c)]) - m);
        const double inv = 1 / std::sqrt(square / L + 1e-5);
        mean[n * C + c] = m, inverse[n * C + c] = inv;
        for (int64_t p = 0; p < L; ++p) z[at(n, p, c)] = (relu(pre[at(n, p, c)]) - m) * inv * scale[c] + shift[c];
        for (int64_t j = 0; j < Lo; ++j) {
          double sum = 0;
          for (int64_t q = 3 * j - 1; q <= 3 * j + 1; ++q)
            if (q >= 0 && q < L) sum += z[at(n, first_maximum(n, q, c), c)];
          out[(n * Lo + j) * C + c] = sum / 3;
        }
      }
  }

  /// With `noise`, every sum of terms becomes a sum of their magnitudes under alternating signs: the size of what float
  /// rounding works on, which is much larger than the result where terms cancel (very short signals).
  void backward(const double* dout, const double* x, const double* weight, const double* scale, bool noise = false) {
    int sign = 1;
    const int64_t L = s.length, C = s.out_channels, Ci = s.in_channels, K = s.kernel, P = K / 2, Lo = s.out_length();
    dx.assign(s.batch * L * Ci, 0), dweight.assign(C * Ci * K, 0);
    dbias.assign(C, 0), dscale = dbias, dshift = dbias;
    std::vector<double> dz(L);
    for (int64_t n = 0; n < s.batch; ++n)
      for (int64_t c = 0; c < C; ++c) {
        dz.assign(L, 0);
        for (int64_t j = 0; j < Lo; ++j)
          for (int64_t q = 3 * j - 1; q <= 3 * j + 1; ++q)
            if (q >= 0 && q < L) dz[first_maximum(n, q, c)] += dout[(n * Lo + j) * C + c] / 3;
        const double m = mean[n * C + c], inv = inverse[n * C + c];
        double s1 = 0, s2 = 0;
        for (int64_t p = 0; p < L; ++p) {
          s1 += dz[p];
          s2 += dz[p] * (relu(pre[at(n, p, c)]) - m) * inv;
          if (noise) dscale[c] += (sign = -sign) * dz[p] * relu(pre[at(n, p, c)]) * inv;
        }
        if (!noise) dscale[c] += s2;
        dshift[c] += s1;
        for (int64_t p = 0; p < L; ++p) {
          if (!(pre[at(n, p, c)] > 0)) continue;
          const double term = (pre[at(n, p, c)] - m) * inv * s2 / L;
          double d = scale[c] * inv * (dz[p] - s1 / L - term);
          if (noise)
            d = (sign = -sign) * std::fabs(scale[c]) * inv *
                (std::fabs(dz[p]) + std::fabs(s1 / L) + std::fabs(term) + std::fabs(relu(pre[at(n, p,
                    c)]) * inv * s2 / L));
          dbias[c] += d;
          for (int64_t k = 0; k < K; ++k) {
            const int64_t q = p + k - P;
            if (q < 0 || q >= L) continue;
            for (int64_t ci = 0; ci < Ci; ++ci) {
              dweight[(c * Ci + ci) * K + k] += d * x[(n * L + q) * Ci + ci];
              dx[(n * L + q) * Ci + ci] += d * weight[(c * Ci + ci) * K + k];
            }
          }
        }
      }
  }

 private:
  static double relu(double v) { return v < 0 ? 0 : v; }

  int64_t first_maximum(int64_t n, int64_t q, int64_t c) const {
    int64_t best = q > 0 ? q - 1 : 0;
    for (int64_t p = best + 1; p <= q + 1 && p < s.length; ++p)
      if (z[at(n, p, c)] > z[at(n, best, c)]) best = p;
    return best;
  }
};
