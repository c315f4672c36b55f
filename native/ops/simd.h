// The vector type of the instruction set a `*_isa.cc` source is being compiled for,
// on GCC's and Clang's vector extensions. Include it only there (see isa.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef ASTEROLAB_ISA
#error "compile *_isa.cc sources with -DASTEROLAB_ISA=portable|avx2|avx512 (see isa.h)"
#endif

namespace asterolab::ASTEROLAB_ISA {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

/// kLanes floats. `VecU` is the same without alignment, for memory from the caller.
typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef float VecU __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef int32_t VecI __attribute__((vector_size(kLanes * 4)));

static inline Vec load(const float* p) { return *reinterpret_cast<const VecU*>(p); }
static inline void store(float* p, Vec v) { *reinterpret_cast<VecU*>(p) = v; }
static inline Vec splat(float s) { return s - Vec{}; }

/// First `count` (0..kLanes) floats at p, zeros after; nothing past them is touched.
static inline Vec load_some(const float* p, int count) {
  if (count >= kLanes) return load(p);
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
#else
  Vec v{};
  for (int i = 0; i < count; ++i) v[i] = p[i];
  return v;
#endif
}
static inline void store_some(float* p, Vec v, int count) {
  if (count >= kLanes) return store(p, v);
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
#else
  for (int i = 0; i < count; ++i) p[i] = v[i];
#endif
}

/// Stores past the caches, for what is not read again soon; p must be aligned to the vector. finish_streams() before
/// other threads read it.
static inline void stream(float* p, Vec v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p, v);
#elif defined(__AVX2__)
  _mm256_stream_ps(p, v);
#elif defined(__SSE__)
  _mm_stream_ps(p, v);
#else
  store(p, v);
#endif
}
static inline void finish_streams() {
#if defined(__SSE__)
  _mm_sfence();
#endif
}

/// max(x, 0) that keeps NaN.
static inline Vec relu(Vec x) { return x < Vec{} ? Vec{} : x; }
/// The larger; b where they are equal or a is NaN.
static inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }

namespace detail {
template <int S, int... J>
static inline void exchange(Vec& a, Vec& b, std::integer_sequence<int, J...>) {
#if defined(__clang__) || __GNUC__ >= 12
  const Vec x = __builtin_shufflevector(a, b, ((J & S) ? J - S + kLanes : J)...);
  const Vec y = __builtin_shufflevector(a, b, ((J & S) ? J + kLanes : J + S)...);
#else
  const Vec x = __builtin_shuffle(a, b, VecI{((J & S) ? J - S + kLanes : J)...});
  const Vec y = __builtin_shuffle(a, b, VecI{((J & S) ? J + kLanes : J + S)...});
#endif
  a = x, b = y;
}
template <int S>
static inline void transpose_step(Vec* v) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i)
    if (!(i & S)) exchange<S>(v[i], v[i + S], std::make_integer_sequence<int, kLanes>());
}
}  // namespace detail

/// Transposes kLanes vectors of kLanes.
static inline void transpose(Vec* v) {
  detail::transpose_step<1>(v);
  detail::transpose_step<2>(v);
  if constexpr (kLanes > 4) detail::transpose_step<4>(v);
  if constexpr (kLanes > 8) detail::transpose_step<8>(v);
}

}  // namespace asterolab::ASTEROLAB_ISA
