// Softmax cross-entropy over several classification heads.
#pragma once

#include <cstdint>

namespace asterolab {

/// One head's logits z [batch, classes] and, unless null, where d(loss)/dz goes: (softmax(z) - onehot) / whole.
struct Head {
  const float* logits;
  float* gradient;
  int64_t classes;
};

/// Sum over heads and rows of -log softmax(z)[label], divided by `whole`: the rows of the batch that these are, or are a part
/// of; labels [batch, heads], each in [0, classes) of its
/// head (the caller checks). The row maximum is taken off first; sums run in double. A NaN among a row's logits makes
/// the loss and the row's gradient NaN.
double heads_cross_entropy(const Head* heads, int64_t count, const int32_t* labels, int64_t batch, int64_t whole);

}  // namespace asterolab
