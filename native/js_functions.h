#pragma once

// What the files with the functions of src/native.ts have in common: reading arguments, and tables of functions.

#include <napi.h>

#include <string>
#include <type_traits>
#include <vector>

#include "environment.h"

namespace dobby {

using Info = Napi::CallbackInfo;

inline Environment& environment_of(const Info& info) { return *info.Env().GetInstanceData<Environment>(); }

inline Napi::Value number(const Info& info, double value) { return Napi::Number::New(info.Env(), value); }

// Read by the plain functions, which do not run JavaScript. The wrappers convert and throw, and throwing ends the
// process in a worker that is being terminated, which can happen before any line here.
inline int32_t int_at(const Info& info, size_t index) {
  int32_t value = -1;
  napi_get_value_int32(info.Env(), info[index], &value);
  return value;
}
inline int64_t long_at(const Info& info, size_t index) {
  int64_t value = -1;
  napi_get_value_int64(info.Env(), info[index], &value);
  return value;
}
inline bool bool_at(const Info& info, size_t index) {
  bool value = false;
  napi_get_value_bool(info.Env(), info[index], &value);
  return value;
}
inline std::string string_at(const Info& info, size_t index) {
  size_t length = 0;
  if (napi_get_value_string_utf8(info.Env(), info[index], nullptr, 0, &length) != napi_ok) return {};
  std::string value(length, '\0');
  napi_get_value_string_utf8(info.Env(), info[index], value.data(), length + 1, &length);
  return value;
}

/** Empty when the value is no Int32Array. */
struct Ints {
  int32_t* data = nullptr;
  size_t length = 0;
};
inline Ints ints_of(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) return {};
  auto array = value.As<Napi::Int32Array>();
  return {array.Data(), array.ElementLength()};
}

/** Empty when the value is no Float64Array. */
struct Doubles {
  double* data = nullptr;
  size_t length = 0;
};
inline Doubles doubles_of(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) return {};
  auto array = value.As<Napi::Float64Array>();
  return {array.Data(), array.ElementLength()};
}

/** The part of a Uint8Array from offset (argument index + 1) of a length (index + 2); null when it is not all there. */
inline uint8_t* bytes_at(const Info& info, size_t index, size_t& length) {
  if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    return nullptr;
  }
  auto array = info[index].As<Napi::Uint8Array>();
  const int64_t offset = long_at(info, index + 1);
  const int64_t wanted = long_at(info, index + 2);
  const auto size = static_cast<int64_t>(array.ElementLength());
  if (offset < 0 || wanted < 0 || offset > size || wanted > size - offset) return nullptr;
  length = static_cast<size_t>(wanted);
  return array.Data() + offset;
}

/** The number of a descriptor that is the caller's to give away. */
inline int take_fd(Environment& environment, int fd) {
  environment.fds.release(fd);
  return fd;
}

/** Makes a function one that Node can call. */
template <auto kFunction>
napi_value call(napi_env env, napi_callback_info raw) {
  const Info info(env, raw);
  if constexpr (std::is_void_v<decltype(kFunction(info))>) {
    kFunction(info);
    return nullptr;
  } else {
    return kFunction(info);
  }
}

template <auto kFunction>
constexpr napi_property_descriptor function(const char* name) {
  return {name, nullptr, call<kFunction>, nullptr, nullptr, nullptr, napi_enumerable, nullptr};
}

using FunctionTable = std::vector<napi_property_descriptor>;

FunctionTable process_functions();
FunctionTable descriptor_functions();
FunctionTable file_functions();
FunctionTable event_functions();

}  // namespace dobby
