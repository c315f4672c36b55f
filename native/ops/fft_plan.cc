// Builds and keeps transform plans.
#include "fft_plan.h"

#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace asterolab {
namespace {

struct Storage {
  FftPlan plan{};
  std::vector<std::vector<float>> twiddles;
  std::vector<float> cosine, sine;
  std::vector<int> position;
};

double turn(int64_t part, int64_t whole) { return 2 * 3.14159265358979323846 * static_cast<double>(part % whole) / static_cast<double>(whole); }

// Radix 8 first; what is left of the powers of two joins a 3 as a 6 where it can.
std::vector<int> factors(int size) {
  int twos = 0, threes = 0, fives = 0;
  for (; size % 2 == 0; size /= 2) ++twos;
  for (; size % 3 == 0; size /= 3) ++threes;
  for (; size % 5 == 0; size /= 5) ++fives;
  std::vector<int> tail;
  if (twos % 3 == 1 && threes > 0) tail.push_back(6), --twos, --threes;
  else if (twos % 3 == 1 && twos >= 4) tail.push_back(4), tail.push_back(4), twos -= 4;
  else if (twos % 3 == 1) tail.push_back(2), --twos;
  else if (twos % 3 == 2) tail.push_back(4), twos -= 2;
  std::vector<int> all(twos / 3, 8);
  all.insert(all.end(), fives, 5);
  all.insert(all.end(), threes, 3);
  all.insert(all.end(), tail.begin(), tail.end());
  return all;
}

std::unique_ptr<Storage> build(int size) {
  auto s = std::make_unique<Storage>();
  FftPlan& plan = s->plan;
  plan.size = size;
  const std::vector<int> radices = factors(size);
  plan.passes = static_cast<int>(radices.size());
  int n = size;
  for (int i = 0; i < plan.passes; ++i) {
    const int r = plan.radix[i] = radices[i], m = n / r;
    std::vector<float> w;
    for (int p = 0; p < m; ++p)
      for (int k = 1; k < r; ++k) {
        w.push_back(static_cast<float>(std::cos(turn(int64_t{p} * k, n))));
        w.push_back(static_cast<float>(-std::sin(turn(int64_t{p} * k, n))));
      }
    s->twiddles.push_back(std::move(w));
    n = m;
  }
  for (int i = 0; i < plan.passes; ++i) plan.twiddle[i] = s->twiddles[i].data();
  for (int f = 0; f < size; ++f) {
    int at = 0, left = f, block = size;
    for (int r : radices) {
      block /= r;
      at += left % r * block;
      left /= r;
    }
    s->position.push_back(at);
    s->cosine.push_back(static_cast<float>(std::cos(turn(f, size))));
    s->sine.push_back(static_cast<float>(std::sin(turn(f, size))));
  }
  plan.position = s->position.data();
  plan.cosine = s->cosine.data();
  plan.sine = s->sine.data();
  return s;
}

}  // namespace

const FftPlan& fft_plan(int size) {
  static std::mutex mutex;
  static auto* plans = new std::map<int, std::unique_ptr<Storage>>;
  std::lock_guard<std::mutex> lock(mutex);
  auto& entry = (*plans)[size];
  if (!entry) entry = build(size);
  return entry->plan;
}

}  // namespace asterolab
