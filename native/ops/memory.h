// Working memory of the ops: aligned, on huge pages where the system gives them, reused.
#pragma once

#include <cstddef>

namespace asterolab {

/// Scratch of the calling thread, handed out as a stack: what a Workspace took is free again
/// when it goes out of scope. Blocks are 64-byte aligned (2 MiB-aligned chunks underneath) and not
/// zeroed; memory stays with the thread for the next call. Not to be shared between threads as an
/// object (the memory itself may be).
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  /// `count` floats (at least 1). Ends the process with a message when the system has no memory.
  float* floats(size_t count);

 private:
  size_t chunk_, used_;
};

/// Gives the calling thread's unused scratch back to the system.
void release_workspace();
/// Bytes of scratch all threads hold.
size_t workspace_bytes();

/// 64-byte-aligned block of `bytes`, on huge pages when it is 2 MiB or more; null when there is none.
void* allocate_pages(size_t bytes);
void free_pages(void* block, size_t bytes);

}  // namespace asterolab
