// The one thread that makes MPI calls: work is handed to it in order, and a promise settles when it is done, so that
// JavaScript computes while data travels.
#pragma once

#include <napi.h>

#include <functional>
#include <vector>

namespace asterolab {

/// Runs `work` on the thread after all that was submitted before, and gives a promise of what `result` makes of it (on
/// the JavaScript thread); rejects with the text of a std::exception. `held` stays alive until then.
Napi::Value submit(Napi::Env env, std::function<void()> work, std::vector<Napi::Object> held = {},
                   std::function<Napi::Value(Napi::Env)> result = nullptr);

}  // namespace asterolab
