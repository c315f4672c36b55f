#include "world.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>
#include <thread>

namespace asterolab {
namespace {

// Gradients travel in pieces that stay in cache between being written, added and read. Each rank has two slots: who
// meets the others at a piece has read the one before, so the slot of the piece before that one is free again.
constexpr int64_t kPiece = 1 << 19;  // floats: 2 MiB
constexpr int64_t kStrip = 2048;
constexpr int64_t kHeaderBytes = 4096;
constexpr int64_t kSegmentBytes = kHeaderBytes + 2 * kPiece * static_cast<int64_t>(sizeof(float));
// MPI counts are int.
constexpr int64_t kLargestCount = 1 << 30;
constexpr auto kLook = std::chrono::microseconds(40);
constexpr int kSecondsToAbort = 5;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void add_to(std::atomic<double>& sum, double value) { sum.store(sum.load() + value); }

void check(int status, const char* action) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw std::runtime_error(std::string(action) + ": " + std::string(text, static_cast<size_t>(length)));
}

MPI_Datatype type_of(Element element) {
  return element == Element::float32 ? MPI_FLOAT : element == Element::float64 ? MPI_DOUBLE : MPI_BYTE;
}

int64_t bytes_of(Element element) { return element == Element::float32 ? 4 : element == Element::float64 ? 8 : 1; }

// Copies the next `count` floats of a list of arrays out of it, or into it.
class Cursor {
 public:
  explicit Cursor(const std::vector<Floats>& list) : list_(list) {}
  int64_t read(float* to, int64_t count) {
    return walk(count, [&](float* at, int64_t done, int64_t part) { std::memcpy(to + done, at, bytes(part)); });
  }
  void write(const float* from, int64_t count) {
    walk(count, [&](float* at, int64_t done, int64_t part) { std::memcpy(at, from + done, bytes(part)); });
  }

 private:
  static size_t bytes(int64_t count) { return static_cast<size_t>(count) * sizeof(float); }
  template <class Copy>
  int64_t walk(int64_t count, const Copy& copy) {
    int64_t done = 0;
    while (done < count && index_ < list_.size()) {
      const int64_t part = std::min(count - done, list_[index_].count - offset_);
      copy(list_[index_].data + offset_, done, part);
      done += part;
      offset_ += part;
      if (offset_ == list_[index_].count) ++index_, offset_ = 0;
    }
    return done;
  }
  const std::vector<Floats>& list_;
  size_t index_ = 0;
  int64_t offset_ = 0;
};

// The sums of four leaves, or six, as src/data/division.ts adds them.
void add_tree(float* sum, const std::vector<const float*>& leaf, int64_t count) {
  if (leaf.size() == 4) {
    for (int64_t i = 0; i < count; ++i) sum[i] = (leaf[0][i] + leaf[1][i]) + (leaf[2][i] + leaf[3][i]);
  } else {
    for (int64_t i = 0; i < count; ++i)
      sum[i] = (leaf[0][i] + (leaf[1][i] + leaf[2][i])) + ((leaf[3][i] + leaf[4][i]) + leaf[5][i]);
  }
}

// Looks a few times, then sleeps between looks.
template <class Done>
void wait_until(const Done& done) {
  for (int looks = 0; !done(); ++looks) {
    if (looks >= 16) std::this_thread::sleep_for(kLook);
    else std::this_thread::yield();
  }
}

}  // namespace

void World::init() {
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  is_open_.store(true);

  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node_), "MPI_Comm_split_type");
  MPI_Comm_rank(node_, &node_rank_);
  MPI_Comm_size(node_, &node_size_);
  check(MPI_Allreduce(&node_size_, &slicers_, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD), "MPI_Allreduce");
  const int is_first = node_rank_ == 0 ? 1 : 0;
  check(MPI_Allreduce(&is_first, &nodes_, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD), "MPI_Allreduce");
  const int color = node_rank_ < slicers_ ? node_rank_ : MPI_UNDEFINED;
  check(MPI_Comm_split(MPI_COMM_WORLD, color, rank_, &across_), "MPI_Comm_split");
  find_members();
  open_window();
}

void World::find_members() {
  int leader = rank_;  // the first rank of this machine
  check(MPI_Bcast(&leader, 1, MPI_INT, 0, node_), "MPI_Bcast");
  std::vector<int> leaders(static_cast<size_t>(size_));
  check(MPI_Allgather(&leader, 1, MPI_INT, leaders.data(), 1, MPI_INT, MPI_COMM_WORLD), "MPI_Allgather");
  if (across_ == MPI_COMM_NULL) return;
  std::vector<int> nodes(static_cast<size_t>(nodes_));
  check(MPI_Allgather(&leader, 1, MPI_INT, nodes.data(), 1, MPI_INT, across_), "MPI_Allgather");
  for (const int node : nodes) {
    members_.emplace_back();
    for (int rank = 0; rank < size_; ++rank)
      if (leaders[static_cast<size_t>(rank)] == node) members_.back().push_back(rank);
  }
}

void World::open_window() {
  void* mine = nullptr;
  check(MPI_Win_allocate_shared(kSegmentBytes, 1, MPI_INFO_NULL, node_, &mine, &window_), "MPI_Win_allocate_shared");
  segments_.resize(static_cast<size_t>(node_size_));
  for (int other = 0; other < node_size_; ++other) {
    MPI_Aint bytes = 0;
    int unit = 0;
    void* base = nullptr;
    check(MPI_Win_shared_query(window_, other, &bytes, &unit, &base), "MPI_Win_shared_query");
    segments_[static_cast<size_t>(other)] = static_cast<char*>(base);
  }
  if (node_rank_ == 0) new (segments_[0]) std::atomic<uint64_t>(0);
  arrivals_ = reinterpret_cast<std::atomic<uint64_t>*>(segments_[0]);
  check(MPI_Barrier(node_), "MPI_Barrier");
}

void World::wait(MPI_Request request) {
  const double started = now();
  wait_until([&] {
    int done = 0;
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    return done != 0;
  });
  add_to(waiting_, now() - started);
}

void World::allreduce(void* data, int64_t count, Element element, Reduction reduction) {
  const MPI_Op op = reduction == Reduction::sum ? MPI_SUM : MPI_MAX;
  char* begin = static_cast<char*>(data);
  while (count > 0) {
    const int part = static_cast<int>(std::min(count, kLargestCount));
    MPI_Request request;
    check(MPI_Iallreduce(MPI_IN_PLACE, begin, part, type_of(element), op, MPI_COMM_WORLD, &request), "MPI_Iallreduce");
    wait(request);
    begin += part * bytes_of(element);
    count -= part;
  }
}

void World::allreduce_bucket(const std::vector<Floats>& bucket, const std::vector<std::vector<Floats>>& leaves,
                             bool ordered) {
  const int count_of_leaves = static_cast<int>(leaves.size());
  std::vector<Cursor> in(leaves.begin(), leaves.end());
  Cursor out(bucket);
  for (;;) {
    // Leaf after leaf in this rank's slot.
    const int64_t piece = kPiece / count_of_leaves;
    int64_t filled = 0;
    for (int leaf = 0; leaf < count_of_leaves; ++leaf)
      filled = in[static_cast<size_t>(leaf)].read(slot(node_rank_) + leaf * piece, piece);
    if (filled == 0) return;
    const double started = now(), waited = waiting_.load();
    reduce_piece(filled, count_of_leaves, ordered);
    for (int index = 0; index < slicers_; ++index) {
      const Floats part = slice(index, filled);
      out.write(part.data, part.count);
    }
    ++pieces_;
    add_to(working_, now() - started - (waiting_.load() - waited));
  }
}

// Each of the first ranks of a machine adds one slice of all slots into its own slot.
void World::reduce_piece(int64_t count, int leaves, bool ordered) {
  arrive_on_node();
  if (node_rank_ < slicers_) {
    const Floats mine = slice(node_rank_, count);
    const int64_t offset = mine.data - slot(node_rank_);
    if (nodes_ > 1 && is_tree(leaves)) {
      tree_over_nodes(mine.data, mine.count, leaves);
      return arrive_on_node();
    }
    float sum[kStrip];
    for (int64_t begin = 0; begin < mine.count; begin += kStrip) {
      const int64_t strip = std::min(kStrip, mine.count - begin);
      std::vector<const float*> addends;
      for (int rank = 0; rank < node_size_; ++rank)
        for (int leaf = 0; leaf < leaves; ++leaf)
          addends.push_back(slot(rank) + leaf * (kPiece / leaves) + offset + begin);
      if (is_tree(leaves)) {
        add_tree(sum, addends, strip);
      } else {
        std::memcpy(sum, addends[0], static_cast<size_t>(strip) * sizeof(float));
        for (size_t other = 1; other < addends.size(); ++other)
          for (int64_t i = 0; i < strip; ++i) sum[i] += addends[other][i];
      }
      std::memcpy(mine.data + begin, sum, static_cast<size_t>(strip) * sizeof(float));
    }
    if (nodes_ > 1) sum_over_nodes(mine.data, mine.count, ordered);
  }
  arrive_on_node();
}

// Every machine gets its block of all leaves, adds them as the tree, and hands the sum to all.
void World::tree_over_nodes(float* slice, int64_t count, int leaves) {
  MPI_Request request;
  check(MPI_Ibarrier(across_, &request), "MPI_Ibarrier");
  wait(request);
  const int64_t block = (count + nodes_ - 1) / nodes_, padded = block * nodes_, offset = slice - slot(node_rank_);
  const int own = node_size_ * leaves, all = size_ * leaves;
  gathered_.assign(static_cast<size_t>(own * padded + all * block), 0);
  float* sent = gathered_.data();
  float* received = sent + own * padded;
  for (int node = 0; node < nodes_; ++node)
    for (int leaf = 0; leaf < own; ++leaf) {
      const float* from = slot(leaf / leaves) + leaf % leaves * (kPiece / leaves) + offset + node * block;
      const int64_t part = std::max<int64_t>(0, std::min(block, count - node * block));
      std::memcpy(sent + (node * own + leaf) * block, from, static_cast<size_t>(part) * sizeof(float));
    }
  std::vector<int> sizes_out, starts_out, sizes_in, starts_in;
  std::vector<const float*> addends(static_cast<size_t>(all));
  int start = 0;
  for (int node = 0; node < nodes_; ++node) {
    sizes_out.push_back(static_cast<int>(own * block));
    starts_out.push_back(static_cast<int>(node * own * block));
    starts_in.push_back(start);
    for (const int rank : members_[static_cast<size_t>(node)])
      for (int leaf = 0; leaf < leaves; ++leaf, start += static_cast<int>(block))
        addends[static_cast<size_t>(rank * leaves + leaf)] = received + start;
    sizes_in.push_back(start - starts_in.back());
  }
  check(MPI_Alltoallv(sent, sizes_out.data(), starts_out.data(), MPI_FLOAT, received, sizes_in.data(), starts_in.data(),
                      MPI_FLOAT, across_),
        "MPI_Alltoallv");
  std::vector<float> sum(static_cast<size_t>(block));
  add_tree(sum.data(), addends, block);
  check(MPI_Allgather(sum.data(), static_cast<int>(block), MPI_FLOAT, sent, static_cast<int>(block), MPI_FLOAT, across_),
        "MPI_Allgather");
  std::memcpy(slice, sent, static_cast<size_t>(count) * sizeof(float));
}

void World::sum_over_nodes(float* slice, int64_t count, bool ordered) {
  // Blocking calls of the library spin; all are made to be there first.
  MPI_Request request;
  check(MPI_Ibarrier(across_, &request), "MPI_Ibarrier");
  wait(request);
  if (!ordered) {
    check(MPI_Allreduce(MPI_IN_PLACE, slice, static_cast<int>(count), MPI_FLOAT, MPI_SUM, across_), "MPI_Allreduce");
    return;
  }
  // Every machine gets its block of all slices, adds them in the machines' order, and hands the sum to all.
  const int64_t block = (count + nodes_ - 1) / nodes_, padded = block * nodes_;
  gathered_.assign(static_cast<size_t>(2 * padded), 0);
  float* sent = gathered_.data();
  float* received = sent + padded;
  std::memcpy(sent, slice, static_cast<size_t>(count) * sizeof(float));
  check(MPI_Alltoall(sent, static_cast<int>(block), MPI_FLOAT, received, static_cast<int>(block), MPI_FLOAT, across_),
        "MPI_Alltoall");
  for (int node = 1; node < nodes_; ++node) {
    for (int64_t i = 0; i < block; ++i) received[i] += received[node * block + i];
  }
  check(MPI_Allgather(received, static_cast<int>(block), MPI_FLOAT, sent, static_cast<int>(block), MPI_FLOAT, across_),
        "MPI_Allgather");
  std::memcpy(slice, sent, static_cast<size_t>(count) * sizeof(float));
}

void World::allreduce_library(const std::vector<Floats>& bucket) {
  for (const Floats& part : bucket) {
    check(MPI_Allreduce(MPI_IN_PLACE, part.data, static_cast<int>(part.count), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD),
          "MPI_Allreduce");
  }
}

void World::broadcast(void* data, int64_t bytes, int root) {
  char* begin = static_cast<char*>(data);
  while (bytes > 0) {
    const int part = static_cast<int>(std::min(bytes, kLargestCount));
    MPI_Request request;
    check(MPI_Ibcast(begin, part, MPI_BYTE, root, MPI_COMM_WORLD, &request), "MPI_Ibcast");
    wait(request);
    begin += part;
    bytes -= part;
  }
}

void World::gather(const void* mine, void* all, int64_t bytes) {
  const int count = static_cast<int>(bytes);
  MPI_Request request;
  check(MPI_Iallgather(mine, count, MPI_BYTE, all, count, MPI_BYTE, MPI_COMM_WORLD, &request), "MPI_Iallgather");
  wait(request);
}

void World::barrier() {
  MPI_Request request;
  check(MPI_Ibarrier(MPI_COMM_WORLD, &request), "MPI_Ibarrier");
  wait(request);
}

void World::finalize() {
  is_open_.store(false);
  check(MPI_Win_free(&window_), "MPI_Win_free");
  check(MPI_Finalize(), "MPI_Finalize");
}

void World::abort(int code) {
  // MPI_Abort may wait for a machine that is gone, or for a lock that another thread holds.
  std::thread([code] {
    std::this_thread::sleep_for(std::chrono::seconds(kSecondsToAbort));
    _exit(code);
  }).detach();
  if (is_open_.load()) MPI_Abort(MPI_COMM_WORLD, code);
  _exit(code);
}

std::string World::host() const {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string World::library() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  return std::string(text, static_cast<size_t>(length));
}

void World::arrive_on_node() {
  if (node_size_ == 1) return;
  const double started = now();
  const uint64_t everyone = ++meetings_ * static_cast<uint64_t>(node_size_);
  arrivals_->fetch_add(1);
  wait_until([&] { return arrivals_->load() >= everyone; });
  add_to(waiting_, now() - started);
}

float* World::slot(int node_rank) const {
  char* slots = segments_[static_cast<size_t>(node_rank)] + kHeaderBytes;
  return reinterpret_cast<float*>(slots) + static_cast<int64_t>(pieces_ % 2) * kPiece;
}

// Slice `index` of a piece, in the slot of the rank that adds it. Slices start at multiples of a cache line.
Floats World::slice(int index, int64_t count) const {
  const int64_t width = ((count + slicers_ - 1) / slicers_ + 15) / 16 * 16;
  const int64_t begin = std::min(index * width, count), end = std::min(begin + width, count);
  return {slot(index) + begin, end - begin};
}

}  // namespace asterolab
