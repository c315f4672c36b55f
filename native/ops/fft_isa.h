// Complex transforms of kLanes channels at once, in place: decimation in frequency forward (natural order in,
// FftPlan::position order out), decimation in time back. Point i lies at buffer + i * kPoint: real vector, imaginary
// vector.
#pragma once

#include "fft_plan.h"
#include "simd.h"

namespace asterolab::ASTEROLAB_ISA {

constexpr int kPoint = 2 * kLanes;

struct Complex {
  Vec r, i;
};
static inline Complex operator+(Complex a, Complex b) { return {a.r + b.r, a.i + b.i}; }
static inline Complex operator-(Complex a, Complex b) { return {a.r - b.r, a.i - b.i}; }
static inline Complex operator*(float s, Complex a) { return {s * a.r, s * a.i}; }

/// a times -i going forward, +i going back.
template <bool Inverse>
static inline Complex quarter(Complex a) {
  return Inverse ? Complex{-a.i, a.r} : Complex{a.i, -a.r};
}

template <bool Inverse>
static inline void butterfly4(Complex& a, Complex& b, Complex& c, Complex& d) {
  const Complex s = a + c, t = a - c, u = b + d, v = quarter<Inverse>(b - d);
  a = s + u, b = t + v, c = s - u, d = t - v;
}

template <bool Inverse>
static inline void butterfly3(Complex& a, Complex& b, Complex& c) {
  const Complex s = b + c, v = 0.86602540378443864676f * quarter<Inverse>(b - c);
  const Complex t = {a.r - 0.5f * s.r, a.i - 0.5f * s.i};
  a = a + s, b = t + v, c = t - v;
}

/// The transform of R points, a[k] <- sum over j of a[j] exp(-+ 2 pi i j k / R).
template <int R, bool Inverse>
static inline void butterfly(Complex* a) {
  if constexpr (R == 2) {
    const Complex s = a[0] + a[1], d = a[0] - a[1];
    a[0] = s, a[1] = d;
  } else if constexpr (R == 3) {
    butterfly3<Inverse>(a[0], a[1], a[2]);
  } else if constexpr (R == 4) {
    butterfly4<Inverse>(a[0], a[1], a[2], a[3]);
  } else if constexpr (R == 5) {
    constexpr float c1 = 0.30901699437494742410f, c2 = -0.80901699437494742410f;
    constexpr float s1 = 0.95105651629515357212f, s2 = 0.58778525229247312917f;
    const Complex p = a[1] + a[4], q = a[2] + a[3], u = quarter<Inverse>(a[1] - a[4]), v = quarter<Inverse>(a[2] - a[3]);
    const Complex e = {a[0].r + c1 * p.r + c2 * q.r, a[0].i + c1 * p.i + c2 * q.i};
    const Complex f = {a[0].r + c2 * p.r + c1 * q.r, a[0].i + c2 * p.i + c1 * q.i};
    const Complex g = {s1 * u.r + s2 * v.r, s1 * u.i + s2 * v.i}, h = {s2 * u.r - s1 * v.r, s2 * u.i - s1 * v.i};
    a[0] = a[0] + p + q, a[1] = e + g, a[4] = e - g, a[2] = f + h, a[3] = f - h;
  } else if constexpr (R == 6) {
    // Index j = 3 j1 + 2 j2 and k = 3 k1 + 4 k2 (mod 6): no twiddles between the 2 and the 3.
    Complex e0 = a[0], e1 = a[2], e2 = a[4], o0 = a[3], o1 = a[5], o2 = a[1];
    butterfly3<Inverse>(e0, e1, e2);
    butterfly3<Inverse>(o0, o1, o2);
    a[0] = e0 + o0, a[3] = e0 - o0, a[4] = e1 + o1, a[1] = e1 - o1, a[2] = e2 + o2, a[5] = e2 - o2;
  } else {
    static_assert(R == 8, "radix");
    constexpr float h = 0.70710678118654752440f;
    butterfly4<Inverse>(a[0], a[2], a[4], a[6]);
    butterfly4<Inverse>(a[1], a[3], a[5], a[7]);
    const Complex b3 = h * (a[3] + quarter<Inverse>(a[3])), b7 = h * (quarter<Inverse>(a[7]) - a[7]);
    const Complex b5 = quarter<Inverse>(a[5]), b1 = a[1];
    const Complex e0 = a[0], e1 = a[2], e2 = a[4], e3 = a[6];
    a[0] = e0 + b1, a[4] = e0 - b1, a[1] = e1 + b3, a[5] = e1 - b3;
    a[2] = e2 + b5, a[6] = e2 - b5, a[3] = e3 + b7, a[7] = e3 - b7;
  }
}

static inline Complex load_point(const float* p) { return {load(p), load(p + kLanes)}; }
static inline void store_point(float* p, Complex c) {
  store(p, c.r);
  store(p + kLanes, c.i);
}

/// a times (c, s), or its conjugate.
template <bool Conjugate>
static inline Complex turned(Complex a, float c, float s) {
  return Conjugate ? Complex{a.r * c + a.i * s, a.i * c - a.r * s} : Complex{a.r * c - a.i * s, a.r * s + a.i * c};
}

/// One pass over the buffer. `get(i)` supplies point i and `put(i, value)` takes it.
template <int R, bool Inverse, class Get, class Put>
static inline void fft_pass(int size, int n, const float* twiddle, const Get& get, const Put& put) {
  const int m = n / R;
  for (int base = 0; base < size; base += n)
    for (int p = 0; p < m; ++p) {
      Complex a[R];
      const float* w = twiddle + p * 2 * (R - 1);
#pragma GCC unroll 8
      for (int j = 0; j < R; ++j) a[j] = get(base + p + j * m);
      if (Inverse && m > 1) {
#pragma GCC unroll 8
        for (int j = 1; j < R; ++j) a[j] = turned<true>(a[j], w[2 * j - 2], w[2 * j - 1]);
      }
      butterfly<R, Inverse>(a);
      if (!Inverse && m > 1) {
#pragma GCC unroll 8
        for (int j = 1; j < R; ++j) a[j] = turned<false>(a[j], w[2 * j - 2], w[2 * j - 1]);
      }
#pragma GCC unroll 8
      for (int j = 0; j < R; ++j) put(base + p + j * m, a[j]);
    }
}

template <bool Inverse, class Get, class Put>
static inline void fft_any_pass(const FftPlan& plan, int pass, int n, const Get& get, const Put& put) {
  switch (plan.radix[pass]) {
    case 2: return fft_pass<2, Inverse>(plan.size, n, plan.twiddle[pass], get, put);
    case 3: return fft_pass<3, Inverse>(plan.size, n, plan.twiddle[pass], get, put);
    case 4: return fft_pass<4, Inverse>(plan.size, n, plan.twiddle[pass], get, put);
    case 5: return fft_pass<5, Inverse>(plan.size, n, plan.twiddle[pass], get, put);
    case 6: return fft_pass<6, Inverse>(plan.size, n, plan.twiddle[pass], get, put);
    default: return fft_pass<8, Inverse>(plan.size, n, plan.twiddle[pass], get, put);
  }
}

/// Forward transform of points get(0 .. size - 1) into the buffer, in FftPlan::position order.
template <class Get>
static inline void fft_forward(const FftPlan& plan, float* buffer, const Get& get) {
  auto in = [=](int i) { return load_point(buffer + i * kPoint); };
  auto out = [=](int i, Complex c) { store_point(buffer + i * kPoint, c); };
  int n = plan.size;
  for (int pass = 0; pass < plan.passes; ++pass) {
    if (pass == 0)
      fft_any_pass<false>(plan, pass, n, get, out);
    else
      fft_any_pass<false>(plan, pass, n, in, out);
    n /= plan.radix[pass];
  }
}

/// Inverse transform of the buffer (destroyed), unscaled: point i, in natural order, goes to put(i, value).
template <class Put>
static inline void fft_inverse(const FftPlan& plan, float* buffer, const Put& put) {
  auto in = [=](int i) { return load_point(buffer + i * kPoint); };
  auto out = [=](int i, Complex c) { store_point(buffer + i * kPoint, c); };
  int n = 1;
  for (int pass = plan.passes - 1; pass >= 0; --pass) {
    n *= plan.radix[pass];
    if (pass == 0)
      fft_any_pass<true>(plan, pass, n, in, put);
    else
      fft_any_pass<true>(plan, pass, n, in, out);
  }
}

}  // namespace asterolab::ASTEROLAB_ISA
