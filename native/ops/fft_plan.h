// Factors, twiddles and output order of the transforms in fft_isa.h.
#pragma once

#include <cstdint>

namespace asterolab {

/// A transform of `size` complex points in place: passes of radix 2, 3, 4, 5, 6 or 8. Forward leaves frequency f at
/// position[f]; inverse takes that order and gives natural order, without the factor 1 / size.
struct FftPlan {
  int size, passes;
  int radix[16];
  /// Pass i works on blocks of n = size / (radix[0] .. radix[i - 1]) points; with m = n / radix[i], twiddle[i] holds
  /// for p < m and 1 <= k < radix[i] the pair (cos, -sin) of 2 pi p k / n.
  const float* twiddle[16];
  const int* position;  // [size]
  const float* cosine;  // [size]: cos(2 pi i / size), and sine likewise
  const float* sine;
};

/// The plan for `size` = 2^a 3^b 5^c >= 2; kept for the life of the process. Thread-safe.
const FftPlan& fft_plan(int size);

}  // namespace asterolab
