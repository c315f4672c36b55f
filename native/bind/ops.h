// The ops of native/ops as functions of the addon.
#pragma once

#include <napi.h>

namespace asterolab {

void export_ops(Napi::Env env, Napi::Object exports);

}  // namespace asterolab
