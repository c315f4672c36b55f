// The MPI world of one process: set-up and the collective operations that data-parallel training needs. Every member
// but `abort` runs on the one thread that called `init` (comm_thread.h). Waiting sleeps between looks, so that a rank
// that waits leaves its core to those that compute. Errors are std::runtime_error with the library's own words.
#pragma once

#include <mpi.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace asterolab {

enum class Element { float32, float64, bytes };
enum class Reduction { sum, max };

/// Part of a bucket of gradients.
struct Floats {
  float* data;
  int64_t count;
};

/// Seconds since `init`.
struct Times {
  double working = 0;  // moving and adding data
  double waiting = 0;  // for other ranks
};

class World {
 public:
  void init();
  /// All of these must be called by all ranks in the same order; arrays are reduced in place.
  void allreduce(void* data, int64_t count, Element element, Reduction reduction);
  /// Sums a bucket of float32 arrays over all ranks: of each rank one list of leaves, or two, as long as the bucket, which
  /// may be among them. Four ranks with one list and three with two add as the tree of src/data/division.ts. Otherwise the
  /// ranks of one machine add in the order of their numbers; `ordered` asks for the same between machines, so that the
  /// result is the same bit for bit each time.
  void allreduce_bucket(const std::vector<Floats>& bucket, const std::vector<std::vector<Floats>>& leaves, bool ordered);
  /// The same through one MPI_Allreduce of the library, to measure against. The arrays are lost where there are several.
  void allreduce_library(const std::vector<Floats>& bucket);
  void broadcast(void* data, int64_t bytes, int root);
  /// `all` gets `bytes` from every rank, in the order of their numbers.
  void gather(const void* mine, void* all, int64_t bytes);
  void barrier();
  void finalize();
  /// Ends all ranks and does not return; from any thread, within a few seconds whatever MPI does.
  [[noreturn]] void abort(int code);

  int rank() const { return rank_; }
  int size() const { return size_; }
  int node_rank() const { return node_rank_; }
  int node_size() const { return node_size_; }
  int nodes() const { return nodes_; }
  std::string host() const;
  static std::string library();
  Times times() const { return {working_.load(), waiting_.load()}; }

 private:
  void open_window();
  void wait(MPI_Request request);
  void arrive_on_node();
  void find_members();
  bool is_tree(int leaves) const { return (size_ == 4 && leaves == 1) || (size_ == 3 && leaves == 2); }
  void reduce_piece(int64_t count, int leaves, bool ordered);
  void sum_over_nodes(float* slice, int64_t count, bool ordered);
  void tree_over_nodes(float* slice, int64_t count, int leaves);
  float* slot(int node_rank) const;
  Floats slice(int index, int64_t count) const;

  int rank_ = 0, size_ = 1, node_rank_ = 0, node_size_ = 1, nodes_ = 1;
  int slicers_ = 1;  // ranks of each machine that add and send a slice: as many as the smallest machine has
  MPI_Comm node_ = MPI_COMM_NULL, across_ = MPI_COMM_NULL;
  MPI_Win window_ = MPI_WIN_NULL;
  std::vector<std::vector<int>> members_;      // ranks of each machine, in the order of `across_`
  std::vector<char*> segments_;                // of each rank on this machine
  std::atomic<uint64_t>* arrivals_ = nullptr;  // in the segment of the machine's first rank
  uint64_t meetings_ = 0, pieces_ = 0;
  std::vector<float> gathered_;
  std::atomic<double> working_{0}, waiting_{0};
  std::atomic<bool> is_open_{false};
};

}  // namespace asterolab
