// The thread pool: every index once, fixed chunks, nesting, callers at once, changing sizes.
#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sys/resource.h>
#include <unistd.h>
#endif

#include "memory.h"
#include "parallel.h"

using namespace asterolab;

static int failures = 0;

static void expect(bool ok, const char* what) {
  if (ok) return;
  ++failures;
  std::printf("FAIL %s\n", what);
}

static bool covers(int64_t n, int64_t grain) {
  std::vector<std::atomic<int>> hits(static_cast<size_t>(n));
  std::atomic<bool> fine{true};
  parallel_for(n, grain, [&](int64_t begin, int64_t end, int worker) {
    if (begin % grain || end - begin > grain || worker < 0 || worker >= threads()) fine = false;
    for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
  });
  for (auto& h : hits)
    if (h != 1) fine = false;
  return fine;
}

#ifdef __linux__
// Bytes of the process's address space in use.
static size_t address_space() {
  size_t pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%zu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}
#endif

int main() {
  for (int count : {1, 2, 5, 2}) {
    set_threads(count);
    expect(threads() == count, "set_threads is not what threads returns");
    for (int64_t n : {0, 1, 7, 1000})
      for (int64_t grain : {1, 3, 2000}) expect(covers(n, grain), "an index was missed, repeated or in a wrong chunk");
    for (int i = 0; i < 2000; ++i) expect(covers(16, 1), "a short job went wrong");
    std::atomic<int> inner{0};
    parallel_for(8, 1, [&](int64_t, int64_t, int) {
      parallel_for(10, 1, [&](int64_t begin, int64_t end, int) { inner += static_cast<int>(end - begin); });
    });
    expect(inner == 80, "a nested parallel_for missed indices");
    std::vector<std::thread> callers;
    std::atomic<bool> fine{true};
    for (int c = 0; c < 3; ++c)
      callers.emplace_back([&] {
        for (int i = 0; i < 200; ++i)
          if (!covers(50, 1)) fine = false;
      });
    for (auto& t : callers) t.join();
    expect(fine, "callers at the same time disturbed each other");
  }
  set_threads(0);
  expect(threads() >= 1, "set_threads(0) left no thread");

#ifdef __linux__
  // A process that may not have so many, here for want of room for their stacks, goes on with those it gets.
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  rlimit tight = before;
  tight.rlim_cur = address_space() + (size_t{256} << 20);
  setrlimit(RLIMIT_AS, &tight);
  set_threads(1000);
  expect(threads() >= 1 && threads() < 1000, "more threads than the system starts are counted");
  for (int i = 0; i < 200; ++i) expect(covers(100, 1), "a job on the threads that started went wrong");
  set_threads(2);
  setrlimit(RLIMIT_AS, &before);
  expect(threads() == 2, "fewer threads than the system starts were not started");
#endif

  // Scratch: nested scopes do not overlap, and a scope's memory is there again after it.
  {
    Workspace outer;
    float* a = outer.floats(1000);
    a[999] = 1;
    float* first;
    {
      Workspace inner;
      first = inner.floats(500000);
      for (int i = 0; i < 500000; ++i) first[i] = 2;
    }
    Workspace again;
    expect(again.floats(500000) == first, "scratch was not reused");
    expect(a[999] == 1, "an inner scope overwrote an outer one's scratch");
    expect(reinterpret_cast<uintptr_t>(first) % 64 == 0, "scratch is not aligned");
  }
  expect(workspace_bytes() > 0, "no scratch is counted");
  release_workspace();
  std::printf("%d failures\n", failures);
  return failures ? 1 : 0;
}
