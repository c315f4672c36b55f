// Time spent in the parts of an op, by name, for the timing programs. Off by default: a Phase then costs one test.
#pragma once

namespace asterolab {

struct PhaseTotal {
  const char* name;
  double seconds, flops;
  long calls;
};

/// In processor time of the whole process where `processor` (on a machine that others load: divide by the threads),
/// else wall time.
void set_phase_timing(bool on, bool processor = false);
/// The clock phases are timed with, in seconds.
double phase_clock();
/// Totals since the last clear_phases, in order of first use; returns how many, `out` (at most `capacity`) gets them.
int phase_totals(PhaseTotal* out, int capacity);
void clear_phases();

/// Times its own scope. For the thread that calls the op only; `name` must be a literal.
class Phase {
 public:
  explicit Phase(const char* name, double flops = 0);
  ~Phase();
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

 private:
  const char* name_;
  double flops_, started_;
};

}  // namespace asterolab
