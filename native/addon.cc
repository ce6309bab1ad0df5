// The addon: open() and, on the object it returns, the functions of src/native.ts, in js_*.cc. They unpack arguments,
// call, and return a number; the types of the arguments are the caller's promise, sizes are checked because a mistake
// there would be memory corruption.

#include <napi.h>

#include "environment.h"
#include "js_functions.h"

namespace {

/**
 * A new set of the addon's functions. JavaScript may load the package more than once in one environment (a loader with a
 * registry of modules for each test file, a cleared cache, two copies of it): each has its own, which does not know of
 * the others, and which goes when nobody has it any more.
 */
Napi::Value Open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  dobby::Environment* const environment = dobby::Environment::create(env, object);
  if (!environment) return env.Undefined();
  for (auto& functions : {dobby::process_functions(), dobby::descriptor_functions(), dobby::file_functions(),
                          dobby::event_functions()}) {
    for (napi_property_descriptor property : functions) {
      property.data = environment;
      // Fails in a worker that is being terminated, which then does not get to use them.
      if (napi_define_properties(env, object, 1, &property) != napi_ok) return env.Undefined();
      napi_value function = nullptr;
      if (napi_get_named_property(env, object, property.utf8name, &function) != napi_ok) return env.Undefined();
      // Whoever has kept a function alone keeps what it works on.
      const napi_property_descriptor owner = {"owner", nullptr, nullptr,      nullptr,
                                              nullptr, object,  napi_default, nullptr};
      napi_define_properties(env, function, 1, &owner);
    }
  }
  return object;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  const napi_property_descriptor open = {"open",  nullptr, dobby::call<Open>, nullptr,
                                         nullptr, nullptr, napi_enumerable,   nullptr};
  napi_define_properties(env, exports, 1, &open);
  return exports;
}

}  // namespace

NODE_API_MODULE(dobby_runc, init)
