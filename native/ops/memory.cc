// Scratch stacks, one per thread, in chunks from the system.
#include "memory.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#if defined(__linux__) || defined(__APPLE__)
#include <sys/mman.h>
#endif

namespace asterolab {
namespace {

constexpr size_t kHuge = size_t{2} << 20;
std::atomic<size_t> held{0};

size_t rounded(size_t bytes) { return (bytes + kHuge - 1) / kHuge * kHuge; }

struct Chunk {
  char* base;
  size_t size, used;
};

struct Stack {
  std::vector<Chunk> chunks;
  size_t current = 0, open = 0;
  ~Stack() { clear(); }
  void clear() {
    for (auto& c : chunks) {
      free_pages(c.base, c.size);
      held -= c.size;
    }
    chunks.clear();
    current = 0;
  }
};

Stack& stack() {
  thread_local Stack s;
  return s;
}

}  // namespace

void* allocate_pages(size_t bytes) {
#if defined(__linux__) || defined(__APPLE__)
  const size_t size = bytes >= kHuge ? rounded(bytes) : (bytes + 4095) / 4096 * 4096;
  const size_t slack = bytes >= kHuge ? kHuge : 0;
  void* raw = mmap(nullptr, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  if (!slack) return raw;
  char* start = static_cast<char*>(raw);
  char* base = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(start) + kHuge - 1) / kHuge * kHuge);
  if (base > start) munmap(start, base - start);
  if (start + slack > base) munmap(base + size, start + slack - base);
#ifdef MADV_HUGEPAGE
  madvise(base, size, MADV_HUGEPAGE);
#endif
  return base;
#else
  return std::aligned_alloc(64, (bytes + 63) / 64 * 64);
#endif
}

void free_pages(void* block, size_t bytes) {
#if defined(__linux__) || defined(__APPLE__)
  if (block) munmap(block, bytes >= kHuge ? rounded(bytes) : (bytes + 4095) / 4096 * 4096);
#else
  (void)bytes;
  std::free(block);
#endif
}

Workspace::Workspace() {
  Stack& s = stack();
  chunk_ = s.current;
  used_ = s.chunks.empty() ? 0 : s.chunks[s.current].used;
  ++s.open;
}

Workspace::~Workspace() {
  Stack& s = stack();
  for (size_t i = chunk_ + 1; i < s.chunks.size(); ++i) s.chunks[i].used = 0;
  if (!s.chunks.empty()) s.chunks[chunk_].used = used_;
  s.current = chunk_;
  // A stack that grew in pieces becomes one piece for the next call.
  if (--s.open == 0 && s.chunks.size() > 1) {
    size_t total = 0;
    for (auto& c : s.chunks) total += c.size;
    s.clear();
    if (void* base = allocate_pages(total)) {
      s.chunks.push_back({static_cast<char*>(base), total, 0});
      held += total;
    }
  }
}

float* Workspace::floats(size_t count) {
  Stack& s = stack();
  const size_t bytes = ((count ? count : 1) * sizeof(float) + 63) / 64 * 64;
  while (s.current < s.chunks.size()) {
    Chunk& c = s.chunks[s.current];
    if (c.used + bytes <= c.size) {
      float* p = reinterpret_cast<float*>(c.base + c.used);
      c.used += bytes;
      return p;
    }
    if (s.current + 1 == s.chunks.size()) break;
    ++s.current;
  }
  const size_t size = rounded(bytes);
  void* base = allocate_pages(size);
  if (!base) {
    std::fprintf(stderr, "asterolab: cannot allocate %zu bytes of working memory\n", size);
    std::abort();
  }
  held += size;
  s.chunks.push_back({static_cast<char*>(base), size, bytes});
  s.current = s.chunks.size() - 1;
  return static_cast<float*>(base);
}

void release_workspace() {
  Stack& s = stack();
  if (s.open == 0) s.clear();
}

size_t workspace_bytes() { return held.load(); }

}  // namespace asterolab
