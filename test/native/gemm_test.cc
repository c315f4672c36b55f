// gemm against double-precision sums, over shapes, flags, strides, instruction sets and thread counts.
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "gemm.h"
#include "isa.h"
#include "parallel.h"

using namespace asterolab;

static int failures = 0;

static void check(int64_t m, int64_t n, int64_t k, bool ta, bool tb, bool accumulate, bool packed) {
  std::mt19937 random(static_cast<unsigned>(m * 31 + n * 7 + k));
  std::uniform_real_distribution<float> uniform(-1, 1);
  const int64_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
  std::vector<float> a((ta ? k : m) * lda), b((tb ? n : k) * ldb), c(m * ldc), start;
  for (auto* v : {&a, &b, &c})
    for (auto& x : *v) x = uniform(random);
  start = c;
  const Gemm shape{m, n, k, ta, tb, accumulate};
  if (packed) {
    std::vector<float> p(packed_b_size(k, n));
    pack_b(p.data(), b.data(), ldb, k, n, tb);
    gemm_packed(c.data(), ldc, a.data(), lda, p.data(), shape);
  } else {
    gemm(c.data(), ldc, a.data(), lda, b.data(), ldb, shape);
  }
  double worst = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < ldc; ++j) {
      double sum = 0, scale = 1;
      if (j < n) {
        for (int64_t p = 0; p < k; ++p)
          sum += static_cast<double>(ta ? a[p * lda + i] : a[i * lda + p]) * (tb ? b[j * ldb + p] : b[p * ldb + j]);
        if (accumulate) sum += start[i * ldc + j];
        scale += std::sqrt(static_cast<double>(k));
      } else {
        sum = start[i * ldc + j];  // the gap between rows must stay as it was
      }
      const double error = std::fabs(sum - c[i * ldc + j]) / scale;
      if (!(error <= worst)) worst = error;
    }
  if (!(worst < 1e-6)) {
    std::printf("FAIL gemm %s %ldx%ldx%ld ta=%d tb=%d acc=%d packed=%d: %g\n", isa_name(), long(m), long(n), long(k), ta, tb,
                accumulate, packed, worst);
    ++failures;
  }
}

int main() {
  const int64_t shapes[][3] = {{1, 1, 1},  {1, 33, 5},   {5, 1, 7},     {12, 32, 256}, {13, 31, 257}, {32, 1024, 256},
                               {7, 95, 3}, {100, 17, 0}, {200, 64, 51}, {32, 200, 1000}, {65, 129, 513}, {300, 16, 51}};
  int count = 0;
  for (Isa wanted : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (set_isa(wanted) != wanted) continue;
    for (int threads : {1, 3}) {
      set_threads(threads);
      for (auto& s : shapes)
        for (int flags = 0; flags < 16; ++flags, ++count)
          check(s[0], s[1], s[2], flags & 1, flags & 2, flags & 4, flags & 8);
    }
  }
  std::printf("%d products, %d failures\n", count, failures);
  return failures ? 1 : 0;
}
