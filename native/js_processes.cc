// Starting, watching and signalling processes; orphans.

#include <fcntl.h>
#include <sys/prctl.h>

#include <algorithm>

#include "callback.h"
#include "js_functions.h"
#include "syscalls.h"

namespace dobby {
namespace {

// --- spawn

constexpr size_t kSpawnOutLength = 4;
constexpr size_t kAttributesLength = 4;

void write_spawn_result(Environment& environment, const Napi::Value& value, SpawnResult result) {
  const Ints out = ints_of(value);
  const int pidfd = result.pidfd.release();
  if (pidfd >= 0) environment.fds.add_claimed(pidfd, result.pid);
  if (out.length < kSpawnOutLength) return;
  out.data[0] = result.pid;
  out.data[1] = pidfd;
  out.data[2] = result.error;
  out.data[3] = static_cast<int32_t>(result.step);
}

class JsSpawnJob final : public SpawnJob {
 public:
  JsSpawnJob(Environment& environment, SpawnRequest request, Napi::Value out, Napi::Function done)
      : SpawnJob(std::move(request)),
        environment_(environment),
        out_(Napi::Persistent(out.As<Napi::Object>())),
        done_(done) {}

  void done(SpawnResult result) override {
    {
      const Napi::HandleScope scope(out_.Env());
      write_spawn_result(environment_, out_.Value(), std::move(result));
    }
    done_.call({});
  }

 private:
  Environment& environment_;
  Napi::ObjectReference out_;
  Callback done_;
};

void Spawn(const Info& info) {
  Environment& environment = environment_of(info);
  const Ints fds = ints_of(info[2]);
  std::vector<int> sources(fds.data, fds.data + fds.length);
  for (const int fd : sources) take_fd(environment, fd);

  // A copy, so that the caller may close or replace his while the request waits in the queue. Out of the way of
  // the program's descriptors.
  UniqueFd image;
  int image_error = 0;
  const int image_fd = int_at(info, 3);
  if (image_fd >= 0) {
    image.reset(fcntl(image_fd, F_DUPFD_CLOEXEC, static_cast<int>(fds.length)));
    if (!image) image_error = errno;
  }

  SpawnRequest request(string_at(info, 0), std::move(sources), std::move(image));
  request.split(static_cast<size_t>(std::max<int64_t>(0, long_at(info, 1))));
  const Ints attributes = ints_of(info[6]);
  if (attributes.length == kAttributesLength) {
    const int32_t* value = attributes.data;
    request.set_attributes({value[0], value[1], value[2], value[3]});
  }
  if (image_error != 0) request.refuse(SpawnStep::kExec, image_error);

  if (info[5].IsFunction()) {
    environment.spawn_thread.submit(std::make_unique<JsSpawnJob>(environment, std::move(request), info[4],
                                                                 info[5].As<Napi::Function>()));
  } else {
    write_spawn_result(environment, info[4], spawn_and_claim(request, environment.clone_stack));
  }
}

// --- exits

class JsExitListener final : public ExitListener {
 public:
  JsExitListener(ObjectHold& object, Napi::Value batch, Napi::Function on_exits)
      : object_(object),
        batch_(keep_weakly(object, "exitBatch", batch.As<Napi::Object>())),
        on_exits_(object, "onExits", on_exits) {}

  ExitRecord* batch(size_t& capacity) override {
    const Napi::HandleScope scope(batch_.Env());
    const Ints batch = ints_of(batch_.Value());
    capacity = batch.length * sizeof(int32_t) / sizeof(ExitRecord);
    return capacity > 0 ? reinterpret_cast<ExitRecord*>(batch.data) : nullptr;
  }
  void on_exits(size_t count) override { on_exits_.call({static_cast<double>(count)}); }
  void on_busy(bool is_busy) override { is_busy ? object_.add() : object_.remove(); }

 private:
  ObjectHold& object_;
  Napi::Reference<Napi::Object> batch_;
  Callback on_exits_;
};

Napi::Value OpenExitWatch(const Info& info) {
  const Ints batch = ints_of(info[0]);
  if (batch.length < sizeof(ExitRecord) / sizeof(int32_t) || !info[1].IsFunction()) return number(info, -EINVAL);
  Environment& environment = environment_of(info);
  if (environment.exits.is_open()) return number(info, -EALREADY);
  auto listener = std::make_unique<JsExitListener>(environment.object, info[0], info[1].As<Napi::Function>());
  return number(info, environment.exits.open(std::move(listener)));
}

Napi::Value Watch(const Info& info) {
  Environment& environment = environment_of(info);
  const int pidfd = int_at(info, 1);
  const int result = environment.exits.watch(int_at(info, 0), pidfd, int_at(info, 2));
  // Released after the watch has claimed the pid, so that it is claimed all the time.
  if (result == 0) take_fd(environment, pidfd);
  return number(info, result);
}

Napi::Value Unwatch(const Info& info) { return number(info, environment_of(info).exits.unwatch(int_at(info, 0))); }

void WatchRef(const Info& info) { environment_of(info).exits.set_ref(int_at(info, 0), bool_at(info, 1)); }

Napi::Value WatchSignal(const Info& info) {
  return number(info, environment_of(info).exits.signal(int_at(info, 0), int_at(info, 1)));
}

Napi::Value PidfdOpen(const Info& info) {
  return number(info, environment_of(info).fds.add(or_errno(pidfd_open(int_at(info, 0)))));
}

Napi::Value PidfdSignal(const Info& info) {
  return number(info, or_errno(pidfd_send_signal(int_at(info, 0), int_at(info, 1))));
}

Napi::Value PidfdExited(const Info& info) { return number(info, pidfd_exited(int_at(info, 0))); }

Napi::Value HasPidfdExitInfo(const Info& info) { return number(info, has_pidfd_exit_info() ? 1 : 0); }

// --- orphans

Napi::Value Subreaper(const Info& info) {
  const int on = int_at(info, 0);
  if (on >= 0 && prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0) != 0) return number(info, -errno);
  int now = 0;
  return number(info, prctl(PR_GET_CHILD_SUBREAPER, &now, 0, 0, 0) == 0 ? now : -errno);
}

Napi::Value HoldOrphans(const Info& info) { return number(info, environment_of(info).tickets.hold()); }

void ReleaseOrphans(const Info& info) { environment_of(info).tickets.release(int_at(info, 0)); }

Napi::Value ReapOrphans(const Info& info) {
  if (!Orphans::any_zombie()) return number(info, 0);
  Orphans::Pass pass;
  pass.grace_ms = int_at(info, 0);
  pass.now_ms = monotonic_ms();
  pass.knows_libuv = syscall(SYS_gettid) == getpid();
  uv_walk(
      environment_of(info).loop,
      [](uv_handle_t* handle, void* spared) {
        if (handle->type != UV_PROCESS) return;
        const auto* process = reinterpret_cast<uv_process_t*>(handle);
        static_cast<std::vector<pid_t>*>(spared)->push_back(uv_process_get_pid(process));
      },
      &pass.spared);
  return number(info, Orphans::of_process().reap(pass));
}

// --- environments

Napi::Value EnvironmentId(const Info& info) { return number(info, static_cast<double>(environment_of(info).id)); }

Napi::Value EnvironmentIsAlive(const Info& info) {
  return Napi::Boolean::New(info.Env(), Environment::is_alive(long_at(info, 0)));
}

Napi::Value EndedEnvironments(const Info& info) { return number(info, Environment::ended()); }

}  // namespace

FunctionTable process_functions() {
  return {
      function<Spawn>("spawn"),
      function<OpenExitWatch>("openExitWatch"),
      function<Watch>("watch"),
      function<Unwatch>("unwatch"),
      function<WatchRef>("watchRef"),
      function<WatchSignal>("watchSignal"),
      function<PidfdOpen>("pidfdOpen"),
      function<PidfdSignal>("pidfdSignal"),
      function<PidfdExited>("pidfdExited"),
      function<HasPidfdExitInfo>("hasPidfdExitInfo"),
      function<Subreaper>("subreaper"),
      function<HoldOrphans>("holdOrphans"),
      function<ReleaseOrphans>("releaseOrphans"),
      function<ReapOrphans>("reapOrphans"),
      function<EnvironmentId>("environmentId"),
      function<EnvironmentIsAlive>("environmentIsAlive"),
      function<EndedEnvironments>("endedEnvironments"),
  };
}

}  // namespace dobby
