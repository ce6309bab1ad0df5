#pragma once

namespace dobby {

/**
 * Counts the uv handles of an environment that are not closed yet, since it must outlive their close callbacks.
 */
class HandleCount {
 public:
  using Done = void (*)(void* context);

  void opened() { count_++; }
  void closed() {
    if (--count_ == 0 && done_) done_(context_);
  }
  /** Calls done once no handle is left: at once when there is none. */
  void when_all_closed(Done done, void* context) {
    done_ = done;
    context_ = context;
    if (count_ == 0) done(context);
  }

 private:
  int count_ = 0;
  Done done_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace dobby
