// The tree of a Division: sums of slices that wait for others, and where the next one goes.
#pragma once

#include "division.h"
#include "memory.h"
#include "simd.h"

namespace asterolab::ASTEROLAB_ISA {

/// Where a slice's sum goes: added to `addends` sums, from that at slot + addends - 1 down to that at `slot`, whose place
/// it takes.
struct Fold {
  int slot, addends;
};

static inline Fold fold_of(const Division& d, int slice) {
  const int slot = depth_after(d, slice) - 1;
  return {slot, d.merges[slice]};
}

/// Sums of `size` floats that wait: the first is the output itself, the second follows it where it is an output too.
struct Slots {
  float* at[2];
  Slots(Workspace& work, float* out, int64_t size, const Division& d) : at{out, nullptr} {
    bool is_deep = false;
    for (int i = 0; i < slices_of(d); ++i) is_deep |= depth_after(d, i) == 2;
    if (is_deep) at[1] = leaves_of(d) == 2 ? out + size : work.floats(static_cast<size_t>(size));
  }
  Slots(float* first, float* second) : at{first, second} {}
  Slots from(int64_t offset) const { return {at[0] + offset, at[1] ? at[1] + offset : nullptr}; }
};

/// Takes in a slice's sums of n floats.
static inline void fold(const Slots& slots, Fold f, const float* sums, int64_t n) {
  float* to = slots.at[f.slot];
  switch (f.addends) {
    case 0:
      std::memcpy(to, sums, static_cast<size_t>(n) * sizeof(float));
      return;
    case 1:
      for (int64_t i = 0; i < n; ++i) to[i] += sums[i];
      return;
    default:
      for (int64_t i = 0; i < n; ++i) to[i] += slots.at[1][i] + sums[i];
  }
}

/// The same for one vector, `count` floats of it, at `offset`.
static inline void fold_some(const Slots& slots, Fold f, int64_t offset, Vec sum, int count) {
  for (int i = f.slot + f.addends - 1; i >= f.slot; --i) sum = load_some(slots.at[i] + offset, count) + sum;
  store_some(slots.at[f.slot] + offset, sum, count);
}

}  // namespace asterolab::ASTEROLAB_ISA
