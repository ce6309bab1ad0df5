// The functions of src/native.ts, in its order. They unpack arguments, call, and return a number; the types of
// the arguments are the caller's promise, sizes are checked because a mistake there would be memory corruption.

#include <fcntl.h>
#include <napi.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <iterator>
#include <type_traits>

#include "callback.h"
#include "environment.h"
#include "fd_socket.h"
#include "memfd.h"
#include "syscalls.h"

namespace dobby {
namespace {

using Info = Napi::CallbackInfo;

Environment& environment_of(const Info& info) { return *info.Env().GetInstanceData<Environment>(); }

Napi::Value number(const Info& info, double value) { return Napi::Number::New(info.Env(), value); }

// Read by the plain functions, which do not run JavaScript. The wrappers convert and throw, and throwing ends the
// process in a worker that is being terminated, which can happen before any line here.
int32_t int_at(const Info& info, size_t index) {
  int32_t value = -1;
  napi_get_value_int32(info.Env(), info[index], &value);
  return value;
}
int64_t long_at(const Info& info, size_t index) {
  int64_t value = -1;
  napi_get_value_int64(info.Env(), info[index], &value);
  return value;
}
bool bool_at(const Info& info, size_t index) {
  bool value = false;
  napi_get_value_bool(info.Env(), info[index], &value);
  return value;
}
std::string string_at(const Info& info, size_t index) {
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
Ints ints_of(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) return {};
  auto array = value.As<Napi::Int32Array>();
  return {array.Data(), array.ElementLength()};
}

/** The part of a Uint8Array from offset (argument index + 1) of a length (index + 2); null when it is not all there. */
uint8_t* bytes_at(const Info& info, size_t index, size_t& length) {
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
int take_fd(Environment& environment, int fd) {
  environment.fds.release(fd);
  return fd;
}

// --- spawn

constexpr size_t kSpawnOutLength = 4;

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
  JsExitListener(Napi::Value batch, Napi::Function on_exits)
      : batch_(Napi::Persistent(batch.As<Napi::Object>())), on_exits_(on_exits) {}

  ExitRecord* batch(size_t& capacity) override {
    const Napi::HandleScope scope(batch_.Env());
    const Ints batch = ints_of(batch_.Value());
    capacity = batch.length * sizeof(int32_t) / sizeof(ExitRecord);
    return capacity > 0 ? reinterpret_cast<ExitRecord*>(batch.data) : nullptr;
  }
  void on_exits(size_t count) override { on_exits_.call({static_cast<double>(count)}); }

 private:
  Napi::ObjectReference batch_;
  Callback on_exits_;
};

Napi::Value OpenExitWatch(const Info& info) {
  const Ints batch = ints_of(info[0]);
  if (batch.length < sizeof(ExitRecord) / sizeof(int32_t) || !info[1].IsFunction()) return number(info, -EINVAL);
  auto listener = std::make_unique<JsExitListener>(info[0], info[1].As<Napi::Function>());
  return number(info, environment_of(info).exits.open(std::move(listener)));
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

Napi::Value HoldOrphans(const Info& info) { return number(info, Orphans::of_process().hold()); }

void ReleaseOrphans(const Info& info) { Orphans::of_process().release(int_at(info, 0)); }

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

// --- descriptors

Napi::Value Pipe(const Info& info) {
  const Ints out = ints_of(info[0]);
  if (out.length < 2) return number(info, -EINVAL);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return number(info, -errno);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  OwnedFds& fds = environment_of(info).fds;
  out.data[0] = fds.add(ends[0]);
  out.data[1] = fds.add(ends[1]);
  return number(info, 0);
}

Napi::Value Memfd(const Info& info) {
  return number(info, environment_of(info).fds.add(open_memfd(string_at(info, 0).c_str(), long_at(info, 1))));
}

Napi::Value SealedImage(const Info& info) {
  return number(info, environment_of(info).fds.add(open_sealed_image(int_at(info, 0))));
}

Napi::Value Duplicate(const Info& info) {
  // Never below 3, whatever is closed there: numbers that mean standard streams to others.
  return number(info, environment_of(info).fds.add(or_errno(fcntl(int_at(info, 0), F_DUPFD_CLOEXEC, 3))));
}

Napi::Value Close(const Info& info) {
  const int fd = int_at(info, 0);
  // Only what is ours: a number closed twice may be somebody else's by then.
  if (!environment_of(info).fds.release(fd)) return number(info, -EBADF);
  return number(info, or_errno(close(fd)));
}

Napi::Value Read(const Info& info) {
  size_t length = 0;
  uint8_t* const data = bytes_at(info, 1, length);
  if (!data) return number(info, -EINVAL);
  const int fd = int_at(info, 0);
  return number(info, or_errno(retry_interrupted([&] { return read(fd, data, length); })));
}

Napi::Value Write(const Info& info) {
  size_t length = 0;
  const uint8_t* const data = bytes_at(info, 1, length);
  if (!data) return number(info, -EINVAL);
  const int fd = int_at(info, 0);
  return number(info, or_errno(retry_interrupted([&] { return write(fd, data, length); })));
}

Napi::Value ReadAt(const Info& info) {
  size_t length = 0;
  uint8_t* const data = bytes_at(info, 1, length);
  if (!data) return number(info, -EINVAL);
  const int fd = int_at(info, 0);
  const int64_t position = long_at(info, 4);
  return number(info, or_errno(retry_interrupted([&] { return pread(fd, data, length, position); })));
}

Napi::Value Position(const Info& info) {
  return number(info, static_cast<double>(or_errno(lseek(int_at(info, 0), 0, SEEK_CUR))));
}

Napi::Value Nonblocking(const Info& info) {
  const int fd = int_at(info, 0);
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return number(info, -errno);
  const int wanted = bool_at(info, 1) ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  return number(info, or_errno(fcntl(fd, F_SETFL, wanted)));
}

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

// --- sockets and terminals

Napi::Value ListenUnix(const Info& info) {
  return number(info, environment_of(info).fds.add(listen_unix(string_at(info, 0))));
}

Napi::Value Accept(const Info& info) {
  const Ints out = ints_of(info[1]);
  if (out.length < 3) return number(info, -EINVAL);
  Peer peer;
  const int fd = environment_of(info).fds.add(accept_peer(int_at(info, 0), peer));
  if (fd >= 0) {
    out.data[0] = peer.pid;
    out.data[1] = static_cast<int32_t>(peer.uid);
    out.data[2] = static_cast<int32_t>(peer.gid);
  }
  return number(info, fd);
}

Napi::Value ReceiveFd(const Info& info) {
  return number(info, environment_of(info).fds.add(receive_fd(int_at(info, 0))));
}

Napi::Value WindowSize(const Info& info) {
  constexpr int kMost = 0xFFFF;
  const int columns = int_at(info, 1);
  const int rows = int_at(info, 2);
  if (columns < 0 || columns > kMost || rows < 0 || rows > kMost) return number(info, -EINVAL);
  winsize size = {};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  return number(info, or_errno(ioctl(int_at(info, 0), TIOCSWINSZ, &size)));
}

Napi::Value IsPtyMaster(const Info& info) {
  unsigned pty_number = 0;
  if (ioctl(int_at(info, 0), TIOCGPTN, &pty_number) == 0) return number(info, 1);
  return number(info, errno == EBADF ? -EBADF : 0);
}

// --- log pump

class JsPumpListener final : public PumpListener {
 public:
  explicit JsPumpListener(Napi::Function on_event) : on_event_(on_event) {}
  void on_pump(const PumpEvent& event) override {
    on_event_.call({static_cast<double>(event.token), static_cast<double>(event.kind),
                    static_cast<double>(event.written), static_cast<double>(event.dropped),
                    static_cast<double>(event.error)});
  }

 private:
  Callback on_event_;
};

Napi::Value OpenPump(const Info& info) {
  PumpThread& pumps = environment_of(info).pumps;
  if (!info[0].IsFunction()) return number(info, -EINVAL);
  if (pumps.has_listener()) return number(info, -EALREADY);
  pumps.set_listener(std::make_unique<JsPumpListener>(info[0].As<Napi::Function>()));
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

// --- module

void keep_environment(Napi::Env, Environment*) {}  // it deletes itself, see environment.h

/** Makes a function of this file one that Node can call. */
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

constexpr napi_property_descriptor kFunctions[] = {
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
    function<Pipe>("pipe"),
    function<Memfd>("memfd"),
    function<SealedImage>("sealedImage"),
    function<Duplicate>("duplicate"),
    function<Close>("close"),
    function<Read>("read"),
    function<Write>("write"),
    function<ReadAt>("readAt"),
    function<Position>("position"),
    function<Nonblocking>("nonblocking"),
    function<Poll>("poll"),
    function<PollSet>("pollSet"),
    function<PollRef>("pollRef"),
    function<PollClose>("pollClose"),
    function<ListenUnix>("listenUnix"),
    function<Accept>("accept"),
    function<ReceiveFd>("receiveFd"),
    function<WindowSize>("windowSize"),
    function<IsPtyMaster>("isPtyMaster"),
    function<OpenPump>("openPump"),
    function<PumpStart>("pumpStart"),
    function<PumpNotify>("pumpNotify"),
    function<PumpFinish>("pumpFinish"),
};

}  // namespace

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  Environment* const environment = Environment::create(env);
  if (!environment) return exports;
  env.SetInstanceData<Environment, keep_environment>(environment);
  napi_define_properties(env, exports, std::size(kFunctions), kFunctions);
  return exports;
}

}  // namespace dobby

static Napi::Object init_module(Napi::Env env, Napi::Object exports) { return dobby::init(env, exports); }

NODE_API_MODULE(dobby_runc, init_module)
