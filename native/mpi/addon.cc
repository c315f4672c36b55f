// The MPI addon: arguments are checked here again, work goes to the communication thread.
#include <napi.h>

#include <cstring>
#include <string>
#include <vector>

#include "comm_thread.h"
#include "world.h"

namespace asterolab {
namespace {

using Info = Napi::CallbackInfo;

// One world per process; never destroyed, since its thread may be inside MPI when the process exits.
World& world() {
  static World* the_world = new World;
  return *the_world;
}

bool is_open = false;  // on the JavaScript thread

struct Array {
  Napi::Object object;
  void* data;
  int64_t count, bytes;
  Element element;
};

[[noreturn]] void fail(Napi::Env env, const std::string& message) { throw Napi::TypeError::New(env, message); }

void require_open(const Info& info, const char* call) {
  if (!is_open) throw Napi::Error::New(info.Env(), std::string("Cannot run ") + call + ": MPI is not initialized");
}

Array array_of(const Napi::Value& value, const char* call) {
  if (!value.IsTypedArray()) fail(value.Env(), std::string("Cannot run ") + call + ": expected a typed array");
  const auto array = value.As<Napi::TypedArray>();
  auto* begin = static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  const auto bytes = static_cast<int64_t>(array.ByteLength());
  switch (array.TypedArrayType()) {
    case napi_float32_array:
      return {array, begin, bytes / 4, bytes, Element::float32};
    case napi_float64_array:
      return {array, begin, bytes / 8, bytes, Element::float64};
    case napi_uint8_array:
      return {array, begin, bytes, bytes, Element::bytes};
    default:
      fail(value.Env(), std::string("Cannot run ") + call + ": expected Float32Array, Float64Array or Uint8Array");
  }
}

Napi::Value Init(const Info& info) {
  if (is_open) throw Napi::Error::New(info.Env(), "Cannot run init: MPI is initialized already");
  is_open = true;
  return submit(info.Env(), [] { world().init(); }, {}, [](Napi::Env env) -> Napi::Value {
    auto result = Napi::Object::New(env);
    result.Set("rank", world().rank());
    result.Set("size", world().size());
    result.Set("nodeRank", world().node_rank());
    result.Set("nodeSize", world().node_size());
    result.Set("nodes", world().nodes());
    result.Set("host", world().host());
    result.Set("library", World::library());
    return result;
  });
}

// allreduce(array, "sum" | "max")
Napi::Value Allreduce(const Info& info) {
  require_open(info, "allreduce");
  const Array array = array_of(info[0], "allreduce");
  const std::string name = info[1].ToString();
  if (name != "sum" && name != "max") fail(info.Env(), "Cannot run allreduce: expected sum or max, got " + name);
  if (array.element == Element::bytes) fail(info.Env(), "Cannot run allreduce: bytes cannot be added");
  const Reduction reduction = name == "sum" ? Reduction::sum : Reduction::max;
  return submit(
      info.Env(), [=] { world().allreduce(array.data, array.count, array.element, reduction); }, {array.object});
}

// A list of Float32Array; empty ones are left out.
std::vector<Floats> floats_of(const Napi::Value& value, std::vector<Napi::Object>& held) {
  if (!value.IsArray()) fail(value.Env(), "Cannot run allreduceBucket: expected a list of Float32Array");
  const auto list = value.As<Napi::Array>();
  std::vector<Floats> floats;
  for (uint32_t index = 0; index < list.Length(); ++index) {
    const Array array = array_of(list.Get(index), "allreduceBucket");
    if (array.element != Element::float32) fail(value.Env(), "Cannot run allreduceBucket: expected Float32Array");
    if (array.count == 0) continue;
    floats.push_back({static_cast<float*>(array.data), array.count});
    held.push_back(array.object);
  }
  return floats;
}

int64_t count_of(const std::vector<Floats>& list) {
  int64_t count = 0;
  for (const Floats& floats : list) count += floats.count;
  return count;
}

// allreduceBucket(arrays, "ordered" | "fast" | "library", [firstLeaves, secondLeaves]?)
Napi::Value AllreduceBucket(const Info& info) {
  require_open(info, "allreduceBucket");
  const std::string how = info[1].ToString();
  if (how != "ordered" && how != "fast" && how != "library")
    fail(info.Env(), "Cannot run allreduceBucket: expected ordered, fast or library, got " + how);
  std::vector<Napi::Object> held;
  const std::vector<Floats> bucket = floats_of(info[0], held);
  std::vector<std::vector<Floats>> leaves;
  if (info[2].IsArray()) {
    const auto lists = info[2].As<Napi::Array>();
    for (uint32_t index = 0; index < lists.Length(); ++index) leaves.push_back(floats_of(lists.Get(index), held));
  } else {
    leaves.push_back(bucket);
  }
  if (leaves.empty() || leaves.size() > 2) fail(info.Env(), "Cannot run allreduceBucket: expected one or two lists of leaves");
  for (const auto& list : leaves)
    if (count_of(list) != count_of(bucket)) fail(info.Env(), "Cannot run allreduceBucket: leaves must be as long as the arrays");
  return submit(
      info.Env(),
      [bucket, leaves, how] {
        if (how == "library") world().allreduce_library(bucket);
        else world().allreduce_bucket(bucket, leaves, how == "ordered");
      },
      held);
}

// broadcast(array, root)
Napi::Value Broadcast(const Info& info) {
  require_open(info, "broadcast");
  const Array array = array_of(info[0], "broadcast");
  const int root = info[1].ToNumber().Int32Value();
  if (root < 0 || root >= world().size()) fail(info.Env(), "Cannot run broadcast: no rank " + std::to_string(root));
  return submit(info.Env(), [=] { world().broadcast(array.data, array.bytes, root); }, {array.object});
}

// gather(mine, all)
Napi::Value Gather(const Info& info) {
  require_open(info, "gather");
  const Array mine = array_of(info[0], "gather"), all = array_of(info[1], "gather");
  if (all.bytes != mine.bytes * world().size())
    fail(info.Env(), "Cannot run gather: the second array must hold the first of every rank");
  if (mine.bytes >= (int64_t{1} << 30)) fail(info.Env(), "Cannot run gather: at most 1 GiB from each rank");
  return submit(info.Env(), [=] { world().gather(mine.data, all.data, mine.bytes); }, {mine.object, all.object});
}

Napi::Value Barrier(const Info& info) {
  require_open(info, "barrier");
  return submit(info.Env(), [] { world().barrier(); });
}

Napi::Value Finalize(const Info& info) {
  require_open(info, "finalize");
  is_open = false;
  return submit(info.Env(), [] { world().finalize(); });
}

// abort(code): from any thread, also from a worker that loaded the addon for this call alone.
void Abort(const Info& info) { world().abort(info[0].ToNumber().Int32Value()); }

Napi::Value TimesOf(const Info& info) {
  const Times times = world().times();
  auto result = Napi::Object::New(info.Env());
  result.Set("workingSeconds", times.working);
  result.Set("waitingSeconds", times.waiting);
  return result;
}

Napi::Object Exports(Napi::Env env, Napi::Object exports) {
  exports.Set("init", Napi::Function::New(env, Init, "init"));
  exports.Set("allreduce", Napi::Function::New(env, Allreduce, "allreduce"));
  exports.Set("allreduceBucket", Napi::Function::New(env, AllreduceBucket, "allreduceBucket"));
  exports.Set("broadcast", Napi::Function::New(env, Broadcast, "broadcast"));
  exports.Set("gather", Napi::Function::New(env, Gather, "gather"));
  exports.Set("barrier", Napi::Function::New(env, Barrier, "barrier"));
  exports.Set("finalize", Napi::Function::New(env, Finalize, "finalize"));
  exports.Set("abort", Napi::Function::New(env, Abort, "abort"));
  exports.Set("times", Napi::Function::New(env, TimesOf, "times"));
  return exports;
}

}  // namespace

NODE_API_MODULE(asterolab_mpi, Exports)

}  // namespace asterolab
