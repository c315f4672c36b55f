// Accumulates phase times.
#include "phases.h"

#include <chrono>
#include <cstring>
#include <ctime>

namespace asterolab {
namespace {

constexpr int kMost = 64;
bool timing = false;
PhaseTotal totals[kMost];
int used = 0;

bool processor_time = false;

}  // namespace

double phase_clock() {
  if (processor_time) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void set_phase_timing(bool on, bool processor) {
  timing = on;
  processor_time = processor;
}

void clear_phases() { used = 0; }

int phase_totals(PhaseTotal* out, int capacity) {
  const int n = used < capacity ? used : capacity;
  for (int i = 0; i < n; ++i) out[i] = totals[i];
  return n;
}

Phase::Phase(const char* name, double flops) : name_(name), flops_(flops), started_(timing ? phase_clock() : 0) {}

Phase::~Phase() {
  if (!timing) return;
  const double seconds = phase_clock() - started_;
  int i = 0;
  while (i < used && std::strcmp(totals[i].name, name_) != 0) ++i;
  if (i == kMost) return;
  if (i == used) totals[used++] = {name_, 0, 0, 0};
  totals[i].seconds += seconds;
  totals[i].flops += flops_;
  ++totals[i].calls;
}

}  // namespace asterolab
