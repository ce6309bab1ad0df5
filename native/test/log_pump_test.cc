#include "log_pump.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>

#include "check.h"
#include "memfd.h"

using namespace dobby;

namespace {

/** A pump with its thread. */
struct Running {
  Running() : wake(eventfd(0, EFD_CLOEXEC)), pump([](void* fd) { wake_up(*static_cast<UniqueFd*>(fd)); }, &wake) {
    CHECK_EQUAL(pump.open(), 0);
    thread = std::thread([this] { pump.run(); });
  }
  ~Running() {
    pump.stop();
    thread.join();
  }
  static void wake_up(const UniqueFd& fd) {
    const uint64_t one = 1;
    CHECK_EQUAL(write(fd.get(), &one, sizeof one), sizeof one);
  }
  PumpEvent next() {
    for (;;) {
      for (const PumpEvent& event : pump.take_events()) events.push_back(event);
      if (taken < events.size()) return events[taken++];
      uint64_t count;
      CHECK_EQUAL(read(wake.get(), &count, sizeof count), sizeof count);
    }
  }
  UniqueFd wake;
  LogPump pump;
  std::thread thread;
  std::vector<PumpEvent> events;
  size_t taken = 0;
};

struct Pipe {
  Pipe() {
    int ends[2];
    CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  void put(const std::string& text) {
    CHECK_EQUAL(write(write_end.get(), text.data(), text.size()), text.size());
  }
  UniqueFd read_end;
  UniqueFd write_end;
};

std::unique_ptr<LogTarget> memory(UniqueFd& reader, uint64_t max_bytes) {
  reader.reset(open_memfd("test", 0));
  return std::make_unique<LogTarget>(UniqueFd(fcntl(reader.get(), F_DUPFD_CLOEXEC, 3)), max_bytes, "", 0);
}

std::string content(int fd) {
  std::string text(1000, '\0');
  text.resize(static_cast<size_t>(pread(fd, text.data(), text.size(), 0)));
  return text;
}

}  // namespace

TEST(copies_to_the_end) {
  Running running;
  Pipe pipe;
  UniqueFd reader;
  running.pump.start(1, std::move(pipe.read_end), memory(reader, 0));
  pipe.put("hello");
  pipe.write_end.reset();
  const PumpEvent end = running.next();
  CHECK(end.kind == PumpEventKind::kEnd && end.token == 1 && end.written == 5 && end.dropped == 0 && end.error == 0);
  CHECK(content(reader.get()) == "hello");
}

TEST(drops_past_the_bound_and_counts) {
  Running running;
  Pipe pipe;
  UniqueFd reader;
  running.pump.start(-1, std::move(pipe.read_end), memory(reader, 8));
  pipe.put("0123456789");
  pipe.put("abc");
  pipe.write_end.reset();
  const PumpEvent end = running.next();
  CHECK(end.token == -1 && end.written == 8 && end.dropped == 5);
  CHECK(content(reader.get()) == "01234567");
}

TEST(finishes_with_what_is_there) {
  Running running;
  Pipe pipe;
  UniqueFd reader;
  pipe.put("last words");
  running.pump.start(1, std::move(pipe.read_end), memory(reader, 0));
  running.pump.finish(1);
  running.pump.finish(1);
  const PumpEvent end = running.next();
  CHECK(end.kind == PumpEventKind::kEnd && end.written == 10);
}

TEST(stops_with_pumps_under_way) {
  Pipe first;
  Pipe second;
  UniqueFd reader;
  {
    Running running;
    running.pump.start(1, std::move(first.read_end), memory(reader, 0));
    running.pump.start(2, std::move(second.read_end), memory(reader, 0));
    running.pump.notify_past(1, 0);
    running.pump.finish(3);
  }
}

TEST(survives_sources_that_cannot_be_watched) {
  Running running;
  UniqueFd reader;
  running.pump.start(1, UniqueFd(open("/etc/passwd", O_RDONLY | O_CLOEXEC)), memory(reader, 0));
  const PumpEvent end = running.next();
  CHECK(end.kind == PumpEventKind::kEnd && end.error == EPERM);
}

TEST(rotates_and_goes_on_where_it_cannot) {
  char directory[] = "/tmp/log-pump-test-XXXXXX";
  CHECK(mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/log";
  const auto size_of = [](const std::string& name) {
    const UniqueFd fd(open(name.c_str(), O_RDONLY | O_CLOEXEC));
    return fd ? lseek(fd.get(), 0, SEEK_END) : -1;
  };
  {
    LogTarget target(UniqueFd(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640)), 4, path, 2);
    target.write("aaa", 3);
    target.write("bb", 2);
    CHECK_EQUAL(size_of(path), 2);
    CHECK_EQUAL(size_of(path + ".1"), 3);
    target.write("cccccccccc", 10);  // 4 + 4 + 2
    CHECK_EQUAL(size_of(path), 2);
    CHECK_EQUAL(size_of(path + ".1"), 4);
    CHECK_EQUAL(size_of(path + ".2"), 4);
    CHECK_EQUAL(size_of(path + ".3"), -1);
    CHECK_EQUAL(target.written(), 15);
    CHECK_EQUAL(target.error(), 0);
    // Something that cannot be renamed over.
    CHECK_EQUAL(unlink((path + ".1").c_str()), 0);
    CHECK_EQUAL(mkdir((path + ".1").c_str(), 0700), 0);
    CHECK_EQUAL(unlink((path + ".2").c_str()), 0);
    CHECK_EQUAL(mkdir((path + ".2").c_str(), 0700), 0);
    CHECK_EQUAL(mkdir((path + ".2/x").c_str(), 0700), 0);
    target.write("ddd", 3);
    CHECK_EQUAL(size_of(path), 5);
    CHECK(target.error() != 0);
    CHECK_EQUAL(target.written(), 18);
    CHECK_EQUAL(target.dropped(), 0);
  }
  const std::string command = std::string("rm -r ") + directory;
  CHECK_EQUAL(system(command.c_str()), 0);
}

namespace {

/** A pipe whose write end is non-blocking and as small as can be. */
struct Target : Pipe {
  Target() {
    CHECK_EQUAL(fcntl(write_end.get(), F_SETFL, O_NONBLOCK), 0);
    size = static_cast<size_t>(fcntl(write_end.get(), F_SETPIPE_SZ, 4096));
  }
  std::unique_ptr<LogTarget> target() { return std::make_unique<LogTarget>(std::move(write_end), 0, "", 0); }
  std::string take(size_t length) {
    std::string text(length, '\0');
    for (size_t done = 0; done < length;) {
      const ssize_t n = read(read_end.get(), &text[done], length - done);
      CHECK(n > 0);
      done += static_cast<size_t>(n);
    }
    return text;
  }
  size_t size;
};

}  // namespace

TEST(a_relay_waits_for_its_target_and_holds_up_no_other_pump) {
  Running running;
  Pipe source;
  Target target;
  const std::string text(3 * target.size, 'x');
  running.pump.start(1, std::move(source.read_end), target.target());
  source.put(text);
  running.pump.finish(1);
  Pipe other;
  UniqueFd reader;
  running.pump.start(2, std::move(other.read_end), memory(reader, 0));
  other.put("past it");
  other.write_end.reset();
  PumpEvent event = running.next();
  CHECK(event.token == 2 && event.kind == PumpEventKind::kEnd && event.written == 7);
  CHECK(target.take(text.size()) == text);
  event = running.next();
  CHECK(event.token == 1 && event.kind == PumpEventKind::kDrained && event.written == text.size());
  source.put("more");
  CHECK(target.take(4) == "more");
  source.write_end.reset();
  event = running.next();
  CHECK(event.kind == PumpEventKind::kEnd && event.dropped == 0 && event.error == 0);
}

TEST(a_relay_that_is_cut_counts_what_was_left) {
  Running running;
  Pipe source;
  Target target;
  const std::string text(3 * target.size, 'x');
  running.pump.start(1, std::move(source.read_end), target.target());
  source.put(text);
  pollfd full = {target.read_end.get(), POLLIN, 0};
  CHECK_EQUAL(poll(&full, 1, 5000), 1);
  running.pump.cut(1);
  const PumpEvent event = running.next();
  CHECK(event.kind == PumpEventKind::kEnd && event.written + event.dropped == text.size());
  CHECK(event.dropped >= text.size() - target.size);
}

TEST(a_relay_ends_with_its_target) {
  signal(SIGPIPE, SIG_IGN);
  Running running;
  Pipe source;
  Target target;
  running.pump.start(1, std::move(source.read_end), target.target());
  source.put(std::string(3 * target.size, 'x'));
  CHECK(target.take(1) == "x");
  target.read_end.reset();
  const PumpEvent event = running.next();
  CHECK(event.kind == PumpEventKind::kEnd && event.error == EPIPE && event.dropped > 0);
  CHECK(write(source.write_end.get(), "x", 1) < 0 && errno == EPIPE);
}
