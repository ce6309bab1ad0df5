// Polls and the log pump.

#include <fcntl.h>

#include <algorithm>

#include "callback.h"
#include "js_functions.h"

namespace dobby {
namespace {

// --- polls

class JsReadyListener final : public ReadyListener {
 public:
  explicit JsReadyListener(Napi::Function on_ready) : on_ready_(on_ready) {}
  void on_ready(int events) override { on_ready_.call({static_cast<double>(events)}); }

 private:
  Callback on_ready_;
};

Napi::Value Poll(const Info& info) {
  Environment& environment = environment_of(info);
  if (!info[2].IsFunction()) return number(info, -EINVAL);
  const int fd = int_at(info, 0);
  const int result =
      environment.poller.open(fd, int_at(info, 1), std::make_unique<JsReadyListener>(info[2].As<Napi::Function>()));
  if (result == 0) take_fd(environment, fd);
  return number(info, result == 0 ? fd : result);
}

Napi::Value PollSet(const Info& info) {
  return number(info, environment_of(info).poller.set(int_at(info, 0), int_at(info, 1)));
}

void PollRef(const Info& info) { environment_of(info).poller.ref(int_at(info, 0), bool_at(info, 1)); }

void PollClose(const Info& info) { environment_of(info).poller.close(int_at(info, 0)); }

// --- log pump

class JsPumpListener final : public PumpListener {
 public:
  JsPumpListener(ObjectHold& object, Napi::Function on_event) : object_(object), on_event_(object, "onPump", on_event) {}
  void on_pump(const PumpEvent& event) override {
    on_event_.call({static_cast<double>(event.token), static_cast<double>(event.kind),
                    static_cast<double>(event.written), static_cast<double>(event.dropped),
                    static_cast<double>(event.error)});
  }
  void on_busy(bool is_busy) override { is_busy ? object_.add() : object_.remove(); }

 private:
  ObjectHold& object_;
  Callback on_event_;
};

Napi::Value OpenPump(const Info& info) {
  Environment& environment = environment_of(info);
  PumpThreads& pumps = environment.pumps;
  if (!info[0].IsFunction()) return number(info, -EINVAL);
  if (pumps.has_listener()) return number(info, -EALREADY);
  pumps.set_listener(std::make_unique<JsPumpListener>(environment.object, info[0].As<Napi::Function>()));
  return number(info, 0);
}

Napi::Value PumpStart(const Info& info) {
  Environment& environment = environment_of(info);
  const int source = int_at(info, 1);
  const int target = int_at(info, 2);
  if (!environment.pumps.has_listener()) return number(info, -EINVAL);
  if (fcntl(source, F_GETFD) < 0 || fcntl(target, F_GETFD) < 0 || source == target) return number(info, -EBADF);
  const auto max_bytes = static_cast<uint64_t>(std::max<int64_t>(0, long_at(info, 3)));
  const int result =
      environment.pumps.start(int_at(info, 0), source, target, max_bytes, string_at(info, 4), int_at(info, 5));
  if (result == 0) {
    take_fd(environment, source);
    take_fd(environment, target);
  }
  return number(info, result);
}

void PumpNotify(const Info& info) {
  environment_of(info).pumps.notify_past(int_at(info, 0), static_cast<uint64_t>(std::max<int64_t>(0, long_at(info, 1))));
}

void PumpFinish(const Info& info) { environment_of(info).pumps.finish(int_at(info, 0)); }

void PumpCut(const Info& info) { environment_of(info).pumps.cut(int_at(info, 0)); }

}  // namespace

FunctionTable event_functions() {
  return {
      function<Poll>("poll"),
      function<PollSet>("pollSet"),
      function<PollRef>("pollRef"),
      function<PollClose>("pollClose"),
      function<OpenPump>("openPump"),
      function<PumpStart>("pumpStart"),
      function<PumpNotify>("pumpNotify"),
      function<PumpFinish>("pumpFinish"),
      function<PumpCut>("pumpCut"),
  };
}

}  // namespace dobby
