// Which vector instructions the ops run on, chosen once at run time.
//
// How it is compiled. Every source named `*_isa.cc` is compiled once per
// instruction set, each time with ASTEROLAB_ISA naming the namespace its code
// goes into; every other source is compiled once, with the base flags:
//
//   portable   -DASTEROLAB_ISA=portable
//   avx2       -DASTEROLAB_ISA=avx2    -mavx2 -mfma
//   avx512     -DASTEROLAB_ISA=avx512  -mavx2 -mfma -mavx512f -mavx512dq -mavx512bw -mavx512vl -mprefer-vector-width=512
//
// (all with -std=c++17 -O3 -fno-math-errno -fno-trapping-math; never -ffast-math). On
// anything but x86-64 only the portable one exists. In binding.gyp these are three
// static-library targets that the addon depends on.
//
// Rules for `*_isa.cc`, so that no AVX-512 code leaks into the other paths through
// merged symbols: include simd.h first; put everything into
// `namespace asterolab::ASTEROLAB_ISA` (or make it static); use no std:: containers or
// other templates whose instances could be shared (parallel_for with a lambda is fine).
#pragma once

namespace asterolab {

enum class Isa { portable = 0, avx2 = 1, avx512 = 2 };

/// The instruction set in use: the best the CPU has, unless set_isa was called or the
/// environment variable ASTEROLAB_ISA names a lesser one.
Isa isa();
/// Best the CPU has.
Isa best_isa();
/// Uses `wanted`, or the best available when the CPU lacks it; returns what is in use.
/// For tests; not while an op runs.
Isa set_isa(Isa wanted);
/// "portable", "avx2" or "avx512".
const char* isa_name();

}  // namespace asterolab

/// ASTEROLAB_EACH_ISA(void f(int x);) declares f in the namespace of every instruction set.
/// ASTEROLAB_CALL_ISA(f(x)) returns what the version in use returns.
#if defined(__x86_64__) || defined(_M_X64)
#define ASTEROLAB_X86 1
#define ASTEROLAB_EACH_ISA(...)      \
  namespace portable { __VA_ARGS__ } \
  namespace avx2 { __VA_ARGS__ }     \
  namespace avx512 { __VA_ARGS__ }
#define ASTEROLAB_CALL_ISA(...)                              \
  do {                                                       \
    switch (::asterolab::isa()) {                            \
      case ::asterolab::Isa::avx512: return avx512::__VA_ARGS__; \
      case ::asterolab::Isa::avx2: return avx2::__VA_ARGS__;     \
      default: return portable::__VA_ARGS__;                 \
    }                                                        \
  } while (0)
#else
#define ASTEROLAB_EACH_ISA(...) namespace portable { __VA_ARGS__ }
#define ASTEROLAB_CALL_ISA(...) return portable::__VA_ARGS__
#endif
