#pragma once

#include <napi.h>

#include <initializer_list>

#include "object_hold.h"

namespace dobby {

/** A weak reference to what an object keeps, from now on, under this name. */
template <typename T>
Napi::Reference<T> keep_weakly(const ObjectHold& owner, const char* name, T value) {
  const napi_property_descriptor property = {name, nullptr, nullptr, nullptr, nullptr, value, napi_default, nullptr};
  napi_define_properties(value.Env(), owner.get(), 1, &property);
  return Napi::Reference<T>::New(value, 0);
}

/**
 * A JavaScript function that is called from the event loop. Promises and process.nextTick run after each call.
 * What it throws becomes an uncaughtException, as with every callback of Node's own.
 */
class Callback {
 public:
  Callback() = default;
  explicit Callback(Napi::Function function) : function_(Napi::Reference<Napi::Function>::New(function, 1)) {}
  /** One that is there as long as `owner`, which keeps it under this name. */
  Callback(const ObjectHold& owner, const char* name, Napi::Function function)
      : function_(keep_weakly(owner, name, function)) {}

  /** Arguments are numbers. The function may drop this Callback while it runs. */
  void call(std::initializer_list<double> arguments) const {
    if (function_.IsEmpty()) return;
    const Napi::Env env = function_.Env();
    const Napi::HandleScope scope(env);
    // First: what is made afterwards may have the garbage collected.
    napi_value function = function_.Value();
    if (!function) return;
    napi_value values[kMostArguments] = {};
    size_t count = 0;
    for (const double argument : arguments) values[count++] = Napi::Number::New(env, argument);
    napi_value result = nullptr;
    const napi_status status =
        napi_make_callback(env, nullptr, env.Global(), function, count, values, &result);
    if (status == napi_pending_exception) surface_exception(env);
  }

 private:
  static constexpr size_t kMostArguments = 5;

  static void surface_exception(napi_env env) {
    napi_value error = nullptr;
    if (napi_get_and_clear_last_exception(env, &error) != napi_ok) return;
    // Fails when the worker is being terminated, and then there is nobody to tell.
    napi_fatal_exception(env, error);
  }

  Napi::Reference<Napi::Function> function_;
};

}  // namespace dobby
