// Reads one op's arguments, `op({name: value, ...})`, and checks each of them again: type, length and overlap. An
// addon that trusted its caller would write over other objects' memory.
#pragma once

#include <napi.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "../ops/division.h"

namespace asterolab {

class Arguments {
 public:
  /// Throws Napi::TypeError when the first argument is not an object. Every message starts with `op`.
  Arguments(const Napi::CallbackInfo& info, const char* op);

  /// An integer from 1 to 2^31 - 1.
  int64_t size(const char* name);
  /// The same, or `otherwise` when the argument is undefined.
  int64_t maybe_size(const char* name, int64_t otherwise);
  /// An integer from 0 to 2^32 - 1.
  uint32_t word(const char* name);
  /// A finite number.
  double number(const char* name);
  bool flag(const char* name);
  /// How a batch of `batch` rows is summed: Int32Array [whole, rows of the slices .., merges of the slices ..], no rows where
  /// there is no further slice; undefined: in one slice.
  Division division(const char* name, int64_t batch);
  std::string text(const char* name);

  /// Float32Array of exactly `length` elements that the op reads.
  const float* input(const char* name, int64_t length);
  /// Int32Array of exactly `length` elements that the op reads.
  const int32_t* input_integers(const char* name, int64_t length);
  /// Float32Array of exactly `length` elements that the op writes; it must not overlap any other argument.
  float* output(const char* name, int64_t length);
  /// The same, or null when the argument is null.
  float* maybe_output(const char* name, int64_t length);

  /// Number of elements of a list of typed arrays.
  uint32_t count(const char* name);
  /// Element `index` of a list; `length` as above, or -1 for any.
  const float* input(const char* name, uint32_t index, int64_t length);
  float* output(const char* name, uint32_t index, int64_t length);
  int64_t length(const char* name, uint32_t index);

  [[noreturn]] void fail_type(const std::string& message) const;
  [[noreturn]] void fail_range(const std::string& message) const;
  Napi::Env env() const { return env_; }

 private:
  struct Span {
    std::string name;
    const char *begin, *end;
    bool written;
  };
  Napi::Value get(const char* name) const;
  Napi::Value element(const char* name, uint32_t index) const;
  void* typed(const std::string& name, Napi::Value value, napi_typedarray_type type, int64_t length, bool written);

  Napi::Env env_;
  std::string op_;
  Napi::Object fields_;
  std::vector<Span> spans_;
};

/// The product of sizes; 0, which no typed array matches, when it exceeds what an array can hold.
int64_t product(std::initializer_list<int64_t> sizes);

}  // namespace asterolab
