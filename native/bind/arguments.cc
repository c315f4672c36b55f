// Checks of the arguments that JavaScript passes.
#include "arguments.h"

#include <cmath>

namespace asterolab {
namespace {

const char* type_name(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array: return "Int8Array";
    case napi_uint8_array: return "Uint8Array";
    case napi_uint8_clamped_array: return "Uint8ClampedArray";
    case napi_int16_array: return "Int16Array";
    case napi_uint16_array: return "Uint16Array";
    case napi_int32_array: return "Int32Array";
    case napi_uint32_array: return "Uint32Array";
    case napi_float32_array: return "Float32Array";
    case napi_float64_array: return "Float64Array";
    case napi_bigint64_array: return "BigInt64Array";
    case napi_biguint64_array: return "BigUint64Array";
    default: return "typed array";
  }
}

std::string describe(Napi::Value value) {
  if (value.IsTypedArray()) {
    const auto array = value.As<Napi::TypedArray>();
    return std::string("a ") + type_name(array.TypedArrayType()) + " of " + std::to_string(array.ElementLength()) +
           " elements";
  }
  if (value.IsArray()) return "an array";
  if (value.IsNumber() || value.IsString() || value.IsBoolean()) return value.ToString().Utf8Value();
  if (value.IsUndefined()) return "undefined";
  if (value.IsNull()) return "null";
  return "another object";
}

std::string at(const char* name, uint32_t index) { return std::string(name) + "[" + std::to_string(index) + "]"; }

}  // namespace

Arguments::Arguments(const Napi::CallbackInfo& info, const char* op) : env_(info.Env()), op_(op) {
  if (info.Length() < 1 || !info[0].IsObject()) fail_type("the argument must be an object of named values");
  fields_ = info[0].As<Napi::Object>();
}

int64_t Arguments::size(const char* name) {
  const Napi::Value value = get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
  if (!(number >= 1 && number <= 2147483647.0) || number != std::floor(number))
    fail_type(std::string(name) + " must be an integer from 1 to 2147483647, got " + describe(value));
  return static_cast<int64_t>(number);
}

int64_t Arguments::maybe_size(const char* name, int64_t otherwise) {
  return get(name).IsUndefined() ? otherwise : size(name);
}

uint32_t Arguments::word(const char* name) {
  const Napi::Value value = get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= 4294967295.0) || number != std::floor(number))
    fail_type(std::string(name) + " must be an integer from 0 to 4294967295, got " + describe(value));
  return static_cast<uint32_t>(number);
}

double Arguments::number(const char* name) {
  const Napi::Value value = get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!std::isfinite(number)) fail_type(std::string(name) + " must be a finite number, got " + describe(value));
  return number;
}

bool Arguments::flag(const char* name) {
  const Napi::Value value = get(name);
  if (!value.IsBoolean()) fail_type(std::string(name) + " must be true or false, got " + describe(value));
  return value.As<Napi::Boolean>().Value();
}

Division Arguments::division(const char* name, int64_t batch) {
  constexpr int most = Division::kMost;
  if (get(name).IsUndefined()) return {};
  const int32_t* words = input_integers(name, 1 + 2 * most);
  Division d;
  d.whole = words[0];
  while (d.count < most && words[1 + d.count] != 0) {
    d.rows[d.count] = words[1 + d.count];
    d.merges[d.count] = words[1 + most + d.count];
    ++d.count;
  }
  if (!is_valid(d, batch)) fail_range(std::string(name) + " must cover " + std::to_string(batch) + " rows with a tree of two sums");
  return d;
}

std::string Arguments::text(const char* name) {
  const Napi::Value value = get(name);
  if (!value.IsString()) fail_type(std::string(name) + " must be a string, got " + describe(value));
  return value.As<Napi::String>().Utf8Value();
}

const float* Arguments::input(const char* name, int64_t length) {
  return static_cast<const float*>(typed(name, get(name), napi_float32_array, length, false));
}

const int32_t* Arguments::input_integers(const char* name, int64_t length) {
  return static_cast<const int32_t*>(typed(name, get(name), napi_int32_array, length, false));
}

float* Arguments::output(const char* name, int64_t length) {
  return static_cast<float*>(typed(name, get(name), napi_float32_array, length, true));
}

float* Arguments::maybe_output(const char* name, int64_t length) {
  return get(name).IsNull() ? nullptr : output(name, length);
}

uint32_t Arguments::count(const char* name) {
  const Napi::Value value = get(name);
  if (!value.IsArray()) fail_type(std::string(name) + " must be an array of typed arrays, got " + describe(value));
  return value.As<Napi::Array>().Length();
}

const float* Arguments::input(const char* name, uint32_t index, int64_t length) {
  return static_cast<const float*>(typed(at(name, index), element(name, index), napi_float32_array, length, false));
}

float* Arguments::output(const char* name, uint32_t index, int64_t length) {
  return static_cast<float*>(typed(at(name, index), element(name, index), napi_float32_array, length, true));
}

int64_t Arguments::length(const char* name, uint32_t index) {
  const Napi::Value value = element(name, index);
  if (!value.IsTypedArray()) fail_type(at(name, index) + " must be a Float32Array, got " + describe(value));
  return static_cast<int64_t>(value.As<Napi::TypedArray>().ElementLength());
}

void Arguments::fail_type(const std::string& message) const { throw Napi::TypeError::New(env_, op_ + ": " + message); }

void Arguments::fail_range(const std::string& message) const {
  throw Napi::RangeError::New(env_, op_ + ": " + message);
}

Napi::Value Arguments::get(const char* name) const { return fields_.Get(name); }

Napi::Value Arguments::element(const char* name, uint32_t index) const {
  const Napi::Value value = get(name);
  if (!value.IsArray()) fail_type(std::string(name) + " must be an array of typed arrays, got " + describe(value));
  return value.As<Napi::Array>().Get(index);
}

void* Arguments::typed(const std::string& name, Napi::Value value, napi_typedarray_type type, int64_t length,
                       bool written) {
  const bool right_type = value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
  const int64_t found = right_type ? static_cast<int64_t>(value.As<Napi::TypedArray>().ElementLength()) : 0;
  if (!right_type || found != length || length < 1)
    fail_type(name + " must be a " + type_name(type) + " of " + std::to_string(length) + " elements, got " +
              describe(value));
  const auto array = value.As<Napi::TypedArray>();
  char* begin = static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  const char* end = begin + array.ByteLength();
  for (const Span& other : spans_)
    if ((written || other.written) && begin < other.end && other.begin < end)
      fail_type(name + " must not share memory with " + other.name);
  spans_.push_back({name, begin, end, written});
  return begin;
}

int64_t product(std::initializer_list<int64_t> sizes) {
  int64_t total = 1;
  for (const int64_t size : sizes)
    if (__builtin_mul_overflow(total, size, &total) || total > (int64_t{1} << 40)) return 0;
  return total;
}

}  // namespace asterolab
