// Thread pool: workers spin for some microseconds after a job, then sleep.
#include "parallel.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace asterolab {
namespace {

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int available_cores() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
#endif
  const int n = static_cast<int>(std::thread::hardware_concurrency());
  return n > 0 ? n : 1;
}

thread_local bool inside = false;

// One job at a time. `state` holds (job number << 17) | (open << 16) | workers inside. A worker that
// is late for a closed job never enters it, so a sleeping or preempted worker delays nobody.
class Pool {
 public:
  Pool() { start(available_cores()); }

  int size() const { return size_; }

  void resize(int n) {
    std::lock_guard<std::mutex> one_caller(caller_);
    stop();
    start(n < 1 ? available_cores() : n);
  }

  void run(int64_t n, int64_t grain, void (*call)(const void*, int64_t, int64_t, int), const void* body) {
    std::unique_lock<std::mutex> one_caller(caller_, std::defer_lock);
    if (size_ == 1 || n <= grain || inside || !one_caller.try_lock()) {
      for (int64_t begin = 0; begin < n; begin += grain) call(body, begin, begin + grain < n ? begin + grain : n, 0);
      return;
    }
    n_ = n, grain_ = grain, call_ = call, body_ = body;
    next_.store(0, std::memory_order_relaxed);
    state_.store((++job_ << 17) | kOpen);
    if (sleepers_.load() > 0) {
      { std::lock_guard<std::mutex> lock(sleep_); }
      wake_.notify_all();
    }
    inside = true;
    work(0);
    inside = false;
    state_.fetch_and(~kOpen);
    for (int spins = 0; (state_.load() & kCount) != 0; ++spins) spins < 20000 ? pause_cpu() : std::this_thread::yield();
  }

 private:
  static constexpr uint64_t kOpen = 1u << 16, kCount = kOpen - 1;

  void work(int worker) {
    for (;;) {
      const int64_t begin = next_.fetch_add(grain_, std::memory_order_relaxed);
      if (begin >= n_) return;
      call_(body_, begin, begin + grain_ < n_ ? begin + grain_ : n_, worker);
    }
  }

  void loop(int worker) {
    inside = true;
    uint64_t last = 0;
    for (int spins = 0;;) {
      uint64_t s = state_.load();
      if ((s & kOpen) && (s >> 17) != last) {
        if (!state_.compare_exchange_weak(s, s + 1)) continue;
        last = s >> 17;
        work(worker);
        state_.fetch_sub(1);
        spins = 0;
      } else if (++spins < 3000) {
        if (stopping_.load(std::memory_order_relaxed)) return;
        pause_cpu();
      } else {
        std::unique_lock<std::mutex> lock(sleep_);
        sleepers_.fetch_add(1);
        wake_.wait(lock, [&] {
          const uint64_t now = state_.load();
          return stopping_.load() || ((now & kOpen) && (now >> 17) != last);
        });
        sleepers_.fetch_sub(1);
        if (stopping_.load()) return;
        spins = 0;
      }
    }
  }

  void start(int n) {
    size_ = n < 60000 ? n : 60000;
    stopping_.store(false);
    try {
      for (int i = 1; i < size_; ++i) threads_.emplace_back([this, i] { loop(i); });
    } catch (const std::system_error&) {
      size_ = static_cast<int>(threads_.size()) + 1;  // the process may have no more
    }
  }

  void stop() {
    {
      std::lock_guard<std::mutex> lock(sleep_);
      stopping_.store(true);
    }
    wake_.notify_all();
    for (auto& t : threads_) t.join();
    threads_.clear();
  }

  std::mutex caller_, sleep_;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
  int size_ = 1;
  std::atomic<bool> stopping_{false};
  std::atomic<int> sleepers_{0};
  uint64_t job_ = 0;
  alignas(64) std::atomic<uint64_t> state_{0};
  alignas(64) std::atomic<int64_t> next_{0};
  int64_t n_ = 0, grain_ = 1;
  void (*call_)(const void*, int64_t, int64_t, int) = nullptr;
  const void* body_ = nullptr;
};

// Never destroyed: workers may sleep in it when the process exits.
Pool& pool() {
  static Pool* p = new Pool;
  return *p;
}

}  // namespace

void set_threads(int n) { pool().resize(n); }
int threads() { return pool().size(); }

void detail::run_parallel(int64_t n, int64_t grain, void (*call)(const void*, int64_t, int64_t, int),
                          const void* body) {
  if (n > 0) pool().run(n, grain < 1 ? 1 : grain, call, body);
}

}  // namespace asterolab
