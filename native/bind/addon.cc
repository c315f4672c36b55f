// The addon: ops, threads, instruction set and memory.
#include <napi.h>

#include <string>

#include "../ops/isa.h"
#include "../ops/memory.h"
#include "../ops/parallel.h"
#include "arguments.h"
#include "ops.h"

namespace asterolab {
namespace {

using Info = Napi::CallbackInfo;

void SetThreads(const Info& info) {
  Arguments a(info, "setThreads");
  const int64_t count = a.size("count");
  if (count > 4096) a.fail_range("count must be at most 4096, got " + std::to_string(count));
  set_threads(static_cast<int>(count));
}

Napi::Value Threads(const Info& info) { return Napi::Number::New(info.Env(), threads()); }

// Uses the instruction set of that name, or the best the CPU has below it; returns the one in use.
Napi::Value SetIsa(const Info& info) {
  Arguments a(info, "setIsa");
  const std::string name = a.text("name");
  if (name == "portable") set_isa(Isa::portable);
  else if (name == "avx2") set_isa(Isa::avx2);
  else if (name == "avx512") set_isa(Isa::avx512);
  else a.fail_range("name must be portable, avx2 or avx512, got " + name);
  return Napi::String::New(a.env(), isa_name());
}

Napi::Value IsaInUse(const Info& info) { return Napi::String::New(info.Env(), isa_name()); }

// An ArrayBuffer of page-aligned memory, on huge pages where the system gives them.
Napi::Value Allocate(const Info& info) {
  Arguments a(info, "allocate");
  const double bytes = a.number("bytes");
  if (!(bytes >= 1 && bytes <= 1099511627776.0)) a.fail_range("bytes must be from 1 to 2^40");
  const size_t size = static_cast<size_t>(bytes);
  void* block = allocate_pages(size);
  if (block == nullptr) a.fail_range("no memory for " + std::to_string(size) + " bytes");
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(
      a.env(), block, size,
      [](napi_env, void* data, void* hint) { free_pages(data, reinterpret_cast<size_t>(hint)); },
      reinterpret_cast<void*>(size), &buffer);
  if (status != napi_ok) {  // some runtimes forbid buffers of foreign memory
    free_pages(block, size);
    return Napi::ArrayBuffer::New(a.env(), size);
  }
  return Napi::Value(a.env(), buffer);
}

Napi::Value WorkspaceBytes(const Info& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(workspace_bytes()));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("setThreads", Napi::Function::New(env, SetThreads, "setThreads"));
  exports.Set("threads", Napi::Function::New(env, Threads, "threads"));
  exports.Set("setIsa", Napi::Function::New(env, SetIsa, "setIsa"));
  exports.Set("isa", Napi::Function::New(env, IsaInUse, "isa"));
  exports.Set("allocate", Napi::Function::New(env, Allocate, "allocate"));
  exports.Set("workspaceBytes", Napi::Function::New(env, WorkspaceBytes, "workspaceBytes"));
  export_ops(env, exports);
  return exports;
}

}  // namespace
}  // namespace asterolab

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return asterolab::Init(env, exports); }
NODE_API_MODULE(asterolab, InitAddon)
