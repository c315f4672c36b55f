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

Napi::Value WorkspaceBytes(const Info& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(workspace_bytes()));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("setThreads", Napi::Function::New(env, SetThreads, "setThreads"));
  exports.Set("threads", Napi::Function::New(env, Threads, "threads"));
  exports.Set("setIsa", Napi::Function::New(env, SetIsa, "setIsa"));
  exports.Set("isa", Napi::Function::New(env, IsaInUse, "isa"));
  exports.Set("workspaceBytes", Napi::Function::New(env, WorkspaceBytes, "workspaceBytes"));
  export_ops(env, exports);
  return exports;
}

}  // namespace
}  // namespace asterolab

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return asterolab::Init(env, exports); }
NODE_API_MODULE(asterolab, InitAddon)
