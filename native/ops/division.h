// How sums over the rows of a batch are made, so that their bits do not depend on the number of ranks that share it: the
// rows lie in slices, each summed by itself, and the slices' sums are added as a tree (src/data/division.ts says which).
// Ops that take a Division compute every row as if the whole batch were there.
#pragma once

#include <cstdint>

namespace asterolab {

struct Division {
  static constexpr int kMost = 6;
  int64_t whole = 0;  // rows of the batch that these are a part of; 0: they are all
  int count = 0;      // slices; 0: one of all rows
  int64_t rows[kMost] = {};
  int merges[kMost] = {};  // sums, from the top of the stack, that a slice's own is added to as soon as it is there
};

// Static: compiled once per instruction set (isa.h).

static inline int slices_of(const Division& d) { return d.count ? d.count : 1; }

static inline int64_t rows_of(const Division& d, int slice, int64_t batch) { return d.count ? d.rows[slice] : batch; }

/// Sums on the stack after a slice.
static inline int depth_after(const Division& d, int slice) {
  int depth = slice + 1;
  for (int i = 0; i <= slice; ++i) depth -= d.merges[i];
  return depth;
}

/// Sums that are left in the end: two where the tree joins them with those of other ranks one by one.
static inline int leaves_of(const Division& d) { return depth_after(d, slices_of(d) - 1); }

/// The slices cover `batch` rows, and the tree keeps no more than two sums.
static inline bool is_valid(const Division& d, int64_t batch) {
  if (d.count == 0) return true;
  int64_t covered = 0;
  for (int i = 0, before = 0; i < d.count; ++i) {
    const int after = depth_after(d, i);
    if (d.rows[i] < 1 || d.merges[i] < 0 || d.merges[i] > before || after > 2) return false;
    covered += d.rows[i];
    before = after;
  }
  return covered == batch && d.whole >= batch;
}

}  // namespace asterolab
