// The addon: the functions of src/native.ts, in js_*.cc. They unpack arguments, call, and return a number; the types
// of the arguments are the caller's promise, sizes are checked because a mistake there would be memory corruption.

#include <napi.h>

#include "environment.h"
#include "js_functions.h"

namespace {

void keep_environment(Napi::Env, dobby::Environment*) {}  // it deletes itself, see environment.h

Napi::Object init(Napi::Env env, Napi::Object exports) {
  dobby::Environment* const environment = dobby::Environment::create(env);
  if (!environment) return exports;
  env.SetInstanceData<dobby::Environment, keep_environment>(environment);
  for (const auto& functions : {dobby::process_functions(), dobby::descriptor_functions(), dobby::file_functions(),
                                dobby::event_functions()}) {
    // Fails in a worker that is being terminated, which then does not get to use them.
    napi_define_properties(env, exports, functions.size(), functions.data());
  }
  return exports;
}

}  // namespace

NODE_API_MODULE(dobby_runc, init)
