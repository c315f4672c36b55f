// Run-time choice of the instruction set.
#include "isa.h"

#include <cstdlib>
#include <cstring>

namespace asterolab {
namespace {

Isa detect() {
#ifdef ASTEROLAB_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
      return Isa::avx512;
    return Isa::avx2;
  }
#endif
  return Isa::portable;
}

Isa from_environment() {
  const char* name = std::getenv("ASTEROLAB_ISA");
  Isa wanted = best_isa();
  if (name && !std::strcmp(name, "portable")) wanted = Isa::portable;
  if (name && !std::strcmp(name, "avx2")) wanted = Isa::avx2;
  return wanted <= best_isa() ? wanted : best_isa();
}

Isa& current() {
  static Isa value = from_environment();
  return value;
}

}  // namespace

Isa best_isa() {
  static const Isa best = detect();
  return best;
}

Isa isa() { return current(); }

Isa set_isa(Isa wanted) { return current() = wanted <= best_isa() ? wanted : best_isa(); }

const char* isa_name() {
  switch (isa()) {
    case Isa::avx512: return "avx512";
    case Isa::avx2: return "avx2";
    default: return "portable";
  }
}

}  // namespace asterolab
