#pragma once

// What the files with the functions of src/native.ts have in common: reading arguments, and tables of functions.

#include <climits>
#include <napi.h>

#include <string>
#include <type_traits>
#include <vector>

#include "environment.h"

namespace dobby {

using Info = Napi::CallbackInfo;

inline Environment& environment_of(const Info& info) { return *static_cast<Environment*>(info.Data()); }

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

/** A path, read in one pass and without the heap. Of a longer one so much that the kernel says ENAMETOOLONG. */
class PathArgument {
 public:
  PathArgument(const Info& info, size_t index) {
    text_[0] = '\0';
    napi_get_value_string_utf8(info.Env(), info[index], text_, sizeof text_, nullptr);
  }
  const char* c_str() const { return text_; }

 private:
  char text_[PATH_MAX + 1];
};

/** The elements of a typed array; none when the value is not one of this type. */
template <typename Element>
struct Elements {
  Element* data = nullptr;
  size_t length = 0;
};
template <typename Element, napi_typedarray_type kType>
Elements<Element> elements_of(const Napi::Value& value) {
  napi_typedarray_type type = kType;
  size_t length = 0;
  void* data = nullptr;
  const napi_status status =
      napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || type != kType) return {};
  return {static_cast<Element*>(data), length};
}
using Ints = Elements<int32_t>;
inline Ints ints_of(const Napi::Value& value) { return elements_of<int32_t, napi_int32_array>(value); }
using Doubles = Elements<double>;
inline Doubles doubles_of(const Napi::Value& value) { return elements_of<double, napi_float64_array>(value); }

/** The part of a Uint8Array from offset (argument index + 1) of a length (index + 2); null when it is not all there. */
inline uint8_t* bytes_at(const Info& info, size_t index, size_t& length) {
  const auto [data, size] = elements_of<uint8_t, napi_uint8_array>(info[index]);
  const int64_t offset = long_at(info, index + 1);
  const int64_t wanted = long_at(info, index + 2);
  const auto most = static_cast<int64_t>(size);
  if (!data || offset < 0 || wanted < 0 || offset > most || wanted > most - offset) return nullptr;
  length = static_cast<size_t>(wanted);
  return data + offset;
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
