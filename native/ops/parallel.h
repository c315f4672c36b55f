// A thread pool for the ops: fork, share chunks of a range, join.
#pragma once

#include <cstdint>

namespace asterolab {

/// Number of threads (calling thread included) that later parallel_for calls may use;
/// n < 1 means as many as the process may run on. Fewer where the system starts no more. Not while an op runs.
void set_threads(int n);

/// Threads in use, at least 1. Worker indices are 0 .. threads() - 1.
int threads();

namespace detail {
void run_parallel(int64_t n, int64_t grain, void (*call)(const void*, int64_t, int64_t, int), const void* body);
}

/// Calls body(begin, end, worker) on chunks of `grain` (>= 1) that together cover 0 .. n - 1,
/// and returns when all are done. The calling thread takes part. Chunk boundaries depend on
/// `grain` only, never on the number of threads; which worker gets which chunk is dynamic. A call
/// from inside a body, or while another thread is in parallel_for, runs all of its chunks itself, on
/// worker 0 of its own range. Bodies must not throw.
template <class Body>
inline void parallel_for(int64_t n, int64_t grain, const Body& body) {
  detail::run_parallel(
      n, grain,
      [](const void* b, int64_t begin, int64_t end, int worker) {
        (*static_cast<const Body*>(b))(begin, end, worker);
      },
      &body);
}

}  // namespace asterolab
