#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "log_target.h"
#include "unique_fd.h"

namespace dobby {

/** The same numbers as PumpEvent in src/native.ts. */
enum class PumpEventKind : int32_t { kData = 1, kEnd = 2, kDrained = 3 };

struct PumpEvent {
  int32_t token;
  PumpEventKind kind;
  uint64_t written;
  uint64_t dropped;
  int error;  // errno of the first failure, 0 when there was none
};

/**
 * Copies output from pipes and pty masters to files and memfds. One thread runs run(); all other functions may
 * be called from any thread. Neither napi.h nor uv.h: whoever owns it brings the thread and the wake-up.
 * Files are written to blocking: one on a disk that hangs holds up all pumps of this object, and stop(). A relay, whose
 * target is non-blocking, waits for it to take more, and ends when it takes nothing any more, as the writer would have
 * been told; for a relay, finish() only tells (kDrained) when all that is in the source now has been taken.
 */
class LogPump {
 public:
  /** Called on the pump's thread when there are events to take. */
  using Notify = void (*)(void* context);

  LogPump(Notify notify, void* context) : notify_(notify), context_(context) {}
  LogPump(const LogPump&) = delete;
  LogPump& operator=(const LogPump&) = delete;

  /** 0 or -errno. */
  int open();
  /** Copies until stop(). What has not been copied by then is not: the descriptors are simply closed. */
  void run();
  void stop();

  void start(int32_t token, UniqueFd source, std::unique_ptr<LogTarget> target);
  void notify_past(int32_t token, uint64_t seen);
  void finish(int32_t token);
  /** Ends now: what has not been copied is dropped. */
  void cut(int32_t token);

  std::vector<PumpEvent> take_events();

 private:
  struct Command {
    enum class Kind { kStart, kNotify, kFinish, kCut, kStop } kind;
    int32_t token = 0;
    uint64_t seen = 0;
    UniqueFd source;
    std::unique_ptr<LogTarget> target;
  };
  struct Pump {
    UniqueFd source;
    std::unique_ptr<LogTarget> target;
    int read_error = 0;
    bool wants_data = false;
    uint64_t seen = 0;
    bool is_pty = false;
    bool is_finishing = false;
    int64_t quiet_deadline_ms = 0;  // pty, finishing: ends when nothing has come by then
    int64_t last_deadline_ms = 0;   // pty, finishing: ends then in any case
    std::string pending;            // relay: what the target could not take; the source is not watched meanwhile
    bool is_draining = false;       // relay: kDrained is to be told
    uint64_t enough = 0;            // relay, draining: when so much has been taken
  };
  using Pumps = std::unordered_map<int32_t, Pump>;
  enum class Copied { kSome, kNothing, kEnd };

  void post(Command command);
  bool obey_commands();
  void add(Command& command);
  void begin_finish(Pumps::iterator it);
  void end_quiet_pumps();
  int wait_ms() const;
  Copied copy_once(Pump& pump);
  bool write_pending(Pumps::iterator it);
  void watch(int fd, uint32_t events, uint64_t token);
  void report_drained(int32_t token, Pump& pump);
  void copied_some(Pumps::iterator it);
  void report_data(int32_t token, Pump& pump);
  void end(Pumps::iterator it);
  static PumpEvent event_of(int32_t token, PumpEventKind kind, const Pump& pump);
  void emit(const PumpEvent& event);

  const Notify notify_;
  void* const context_;
  UniqueFd epoll_;
  UniqueFd wake_;

  std::mutex mutex_;
  std::vector<Command> commands_;
  std::vector<PumpEvent> events_;

  // The pump thread's own.
  Pumps pumps_;
  size_t finishing_count_ = 0;
  std::vector<char> buffer_;
};

}  // namespace dobby
