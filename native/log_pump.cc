#include "log_pump.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "orphans.h"
#include "syscalls.h"

namespace dobby {
namespace {

constexpr size_t kChunk = 64 * 1024;
/** The tty layer hands over what was written to the slave in a worker of the kernel, a little later. */
constexpr int kQuietMs = 20;
constexpr int kLongestFinishMs = 200;
constexpr uint64_t kWakeToken = ~uint64_t{0};
/** Beside a token: the event is of the target, not of the source. */
constexpr uint64_t kOfTarget = uint64_t{1} << 32;
constexpr int kEventsPerWait = 64;

bool is_pty_master(int fd) {
  unsigned number = 0;
  return ioctl(fd, TIOCGPTN, &number) == 0;
}

}  // namespace

int LogPump::open() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return -errno;
  wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return -errno;
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = kWakeToken;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) == 0 ? 0 : -errno;
}

void LogPump::post(Command command) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    commands_.push_back(std::move(command));
  }
  const uint64_t one = 1;
  // It can only fail when the counter is full, and then the thread is awake.
  if (retry_interrupted([&] { return write(wake_.get(), &one, sizeof one); }) < 0) return;
}

void LogPump::start(int32_t token, UniqueFd source, std::unique_ptr<LogTarget> target) {
  Command command = {};
  command.kind = Command::Kind::kStart;
  command.token = token;
  command.source = std::move(source);
  command.target = std::move(target);
  post(std::move(command));
}

void LogPump::notify_past(int32_t token, uint64_t seen) {
  Command command = {};
  command.kind = Command::Kind::kNotify;
  command.token = token;
  command.seen = seen;
  post(std::move(command));
}

void LogPump::finish(int32_t token) {
  Command command = {};
  command.kind = Command::Kind::kFinish;
  command.token = token;
  post(std::move(command));
}

void LogPump::cut(int32_t token) {
  Command command = {};
  command.kind = Command::Kind::kCut;
  command.token = token;
  post(std::move(command));
}

void LogPump::stop() {
  Command command = {};
  command.kind = Command::Kind::kStop;
  post(std::move(command));
}

std::vector<PumpEvent> LogPump::take_events() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(events_, {});
}

PumpEvent LogPump::event_of(int32_t token, PumpEventKind kind, const Pump& pump) {
  const int error = pump.target->error() != 0 ? pump.target->error() : pump.read_error;
  return {token, kind, pump.target->written(), pump.target->dropped(), error};
}

void LogPump::emit(const PumpEvent& event) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back(event);
  }
  notify_(context_);
}

void LogPump::run() {
  buffer_.resize(kChunk);
  epoll_event ready[kEventsPerWait];
  for (;;) {
    // Interrupted: nothing is ready, and the time to wait is worked out anew.
    const int count = epoll_wait(epoll_.get(), ready, kEventsPerWait, wait_ms());
    bool has_commands = false;
    for (int i = 0; i < count; i++) {
      if (ready[i].data.u64 == kWakeToken) {
        has_commands = true;
        continue;
      }
      const auto token = static_cast<int32_t>(static_cast<uint32_t>(ready[i].data.u64));
      const auto it = pumps_.find(token);
      if (it == pumps_.end()) continue;
      if ((ready[i].data.u64 & kOfTarget) != 0) {
        if (write_pending(it)) copied_some(it);
        continue;
      }
      const Copied copied = copy_once(it->second);
      if (copied == Copied::kEnd) {
        end(it);
      } else if (copied == Copied::kSome) {
        copied_some(it);
      }
    }
    // After the copying: an event of this round must not meet a pump that a command has just started under the
    // same token.
    if (has_commands && !obey_commands()) break;
    end_quiet_pumps();
  }
  pumps_.clear();
}

bool LogPump::obey_commands() {
  uint64_t count;
  if (retry_interrupted([&] { return read(wake_.get(), &count, sizeof count); }) < 0 && errno != EAGAIN) return false;
  std::vector<Command> commands;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    commands.swap(commands_);
  }
  for (Command& command : commands) {
    if (command.kind == Command::Kind::kStop) return false;
    if (command.kind == Command::Kind::kStart) {
      add(command);
      continue;
    }
    const auto it = pumps_.find(command.token);
    if (it == pumps_.end()) continue;
    if (command.kind == Command::Kind::kFinish) {
      begin_finish(it);
    } else if (command.kind == Command::Kind::kCut) {
      int left = 0;
      if (ioctl(it->second.source.get(), FIONREAD, &left) == 0 && left > 0) it->second.target->drop(static_cast<uint64_t>(left));
      end(it);
    } else {
      it->second.wants_data = true;
      it->second.seen = command.seen;
      report_data(command.token, it->second);
    }
  }
  return true;
}

void LogPump::add(Command& command) {
  Pump pump;
  pump.source = std::move(command.source);
  pump.target = std::move(command.target);
  pump.is_pty = is_pty_master(pump.source.get());
  const int flags = fcntl(pump.source.get(), F_GETFL);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = static_cast<uint32_t>(command.token);
  const bool added = flags >= 0 && fcntl(pump.source.get(), F_SETFL, flags | O_NONBLOCK) == 0 &&
                     epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pump.source.get(), &event) == 0;
  if (!added) pump.read_error = errno;
  const auto it = pumps_.insert_or_assign(command.token, std::move(pump)).first;
  if (!added) end(it);
}

LogPump::Copied LogPump::copy_once(Pump& pump) {
  const ssize_t n = retry_interrupted([&] { return read(pump.source.get(), buffer_.data(), buffer_.size()); });
  if (n > 0) {
    const auto count = static_cast<size_t>(n);
    const size_t left = pump.target->write(buffer_.data(), count);
    pump.pending.assign(buffer_.data() + count - left, left);
    if (pump.is_finishing) pump.quiet_deadline_ms = monotonic_ms() + kQuietMs;
    return Copied::kSome;
  }
  if (n == 0) return Copied::kEnd;
  if (errno == EAGAIN) return Copied::kNothing;
  // EIO is how a pty master says that nobody has the other side open any more.
  if (!(pump.is_pty && errno == EIO)) pump.read_error = errno;
  return Copied::kEnd;
}

void LogPump::copied_some(Pumps::iterator it) {
  const int32_t token = it->first;
  Pump& pump = it->second;
  report_data(token, pump);
  report_drained(token, pump);
  if (!pump.target->is_nonblocking()) return;
  if (pump.target->error() != 0) {
    end(it);
  } else if (!pump.pending.empty()) {
    // Not watched for nothing: the hang-up of a source is told whatever one asks for.
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pump.source.get(), nullptr);
    watch(pump.target->fd(), EPOLLOUT, static_cast<uint32_t>(token) | kOfTarget);
  }
}

/** True when the target has taken it all, and the source is watched again. */
bool LogPump::write_pending(Pumps::iterator it) {
  Pump& pump = it->second;
  const size_t left = pump.target->write(pump.pending.data(), pump.pending.size());
  pump.pending.erase(0, pump.pending.size() - left);
  if (left > 0) {
    report_data(it->first, pump);
    return false;
  }
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pump.target->fd(), nullptr);
  watch(pump.source.get(), EPOLLIN, static_cast<uint32_t>(it->first));
  return true;
}

void LogPump::watch(int fd, uint32_t events, uint64_t token) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = token;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void LogPump::report_drained(int32_t token, Pump& pump) {
  if (!pump.is_draining || pump.target->written() + pump.target->dropped() < pump.enough) return;
  pump.is_draining = false;
  emit(event_of(token, PumpEventKind::kDrained, pump));
}

void LogPump::begin_finish(Pumps::iterator it) {
  Pump& pump = it->second;
  if (pump.is_pty) {
    if (pump.is_finishing) return;
    pump.is_finishing = true;
    finishing_count_++;
    pump.quiet_deadline_ms = monotonic_ms() + kQuietMs;
    pump.last_deadline_ms = monotonic_ms() + kLongestFinishMs;
    return;
  }
  // No more than is in the pipe now: somebody may be filling it all the time.
  int left = 0;
  if (ioctl(pump.source.get(), FIONREAD, &left) != 0) left = 0;
  const uint64_t enough =
      pump.target->written() + pump.target->dropped() + pump.pending.size() + static_cast<uint64_t>(left);
  if (pump.target->is_nonblocking()) {
    pump.is_draining = true;
    pump.enough = enough;
    report_drained(it->first, pump);
    return;
  }
  while (copy_once(pump) == Copied::kSome && pump.target->written() + pump.target->dropped() < enough) {
  }
  end(it);
}

void LogPump::end_quiet_pumps() {
  if (finishing_count_ == 0) return;
  const int64_t now_ms = monotonic_ms();
  for (auto it = pumps_.begin(); it != pumps_.end();) {
    const auto next = std::next(it);
    const Pump& pump = it->second;
    if (pump.is_finishing && (now_ms >= pump.quiet_deadline_ms || now_ms >= pump.last_deadline_ms)) end(it);
    it = next;
  }
}

int LogPump::wait_ms() const {
  if (finishing_count_ == 0) return -1;
  int64_t first_ms = -1;
  for (const auto& entry : pumps_) {
    const Pump& pump = entry.second;
    if (!pump.is_finishing) continue;
    const int64_t deadline_ms = std::min(pump.quiet_deadline_ms, pump.last_deadline_ms);
    first_ms = first_ms < 0 ? deadline_ms : std::min(first_ms, deadline_ms);
  }
  return first_ms < 0 ? -1 : static_cast<int>(std::max<int64_t>(0, first_ms - monotonic_ms()));
}

void LogPump::report_data(int32_t token, Pump& pump) {
  if (!pump.wants_data || pump.target->written() <= pump.seen) return;
  pump.wants_data = false;
  emit(event_of(token, PumpEventKind::kData, pump));
}

void LogPump::end(Pumps::iterator it) {
  Pump& pump = it->second;
  pump.target->drop(pump.pending.size());
  if (!pump.pending.empty()) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pump.target->fd(), nullptr);
  const PumpEvent event = event_of(it->first, PumpEventKind::kEnd, pump);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pump.source.get(), nullptr);
  if (pump.is_finishing) finishing_count_--;
  // The target is closed before anybody hears of it.
  pumps_.erase(it);
  emit(event);
}

}  // namespace dobby
