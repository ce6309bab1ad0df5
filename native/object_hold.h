#pragma once

#include <node_api.h>

namespace dobby {

/** A reference to a JavaScript object that keeps it from being collected while there is a reason. */
class ObjectHold {
 public:
  explicit ObjectHold(napi_env env) : env_(env) {}
  ObjectHold(const ObjectHold&) = delete;
  ObjectHold& operator=(const ObjectHold&) = delete;
  ~ObjectHold() {
    if (reference_) napi_delete_reference(env_, reference_);
  }

  /** False when it cannot be referred to. */
  bool open(napi_value object) { return napi_create_reference(env_, object, 0, &reference_) == napi_ok; }
  napi_value get() const {
    napi_value object = nullptr;
    napi_get_reference_value(env_, reference_, &object);
    return object;
  }

  /** Each add() needs its remove(). */
  void add() {
    if (count_++ == 0) napi_reference_ref(env_, reference_, nullptr);
  }
  void remove() {
    if (--count_ == 0) napi_reference_unref(env_, reference_, nullptr);
  }

 private:
  napi_env env_;
  napi_ref reference_ = nullptr;
  int count_ = 0;
};

}  // namespace dobby
