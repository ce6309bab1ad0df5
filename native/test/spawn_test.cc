#include "spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <atomic>
#include <set>
#include <thread>

#include "check.h"
#include "memfd.h"
#include "syscalls.h"

using namespace dobby;

namespace {

SpawnRequest request_for(const std::vector<std::string>& argv, std::vector<int> fds = {-1, -1, -1},
                         UniqueFd image = UniqueFd(), const char* cwd = "/") {
  std::string strings = argv[0];
  strings += '\0';
  strings += cwd;
  for (const std::string& argument : argv) {
    strings += '\0';
    strings += argument;
  }
  SpawnRequest request(strings, std::move(fds), std::move(image));
  request.split(argv.size());
  return request;
}

SpawnResult start(SpawnRequest request) {
  CloneStack stack;
  return spawn(request, stack);
}

siginfo_t wait_for(pid_t pid) {
  siginfo_t info = {};
  CHECK_EQUAL(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED), 0);
  return info;
}

int run(SpawnRequest request) {
  const SpawnResult result = start(std::move(request));
  CHECK_EQUAL(result.error, 0);
  CHECK(result.pidfd.get() >= 0);
  return wait_for(result.pid).si_status;
}

std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  return text;
}

std::string output_of(const std::vector<std::string>& argv, std::vector<int> more_fds = {}) {
  int ends[2];
  CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  std::vector<int> fds = {-1, ends[1], -1};
  fds.insert(fds.end(), more_fds.begin(), more_fds.end());
  const SpawnResult result = start(request_for(argv, fds));
  CHECK_EQUAL(result.error, 0);
  const std::string text = read_all(read_end.get());
  wait_for(result.pid);
  return text;
}

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

/** The descriptors a program finds, without the one it lists them with. */
std::set<int> listed_descriptors(std::vector<int> more_fds) {
  const std::string text = output_of({"/bin/ls", "-l", "/proc/self/fd"}, std::move(more_fds));
  std::set<int> numbers;
  for (size_t at = 0; (at = text.find(" -> ", at)) != std::string::npos; at += 4) {
    if (text.compare(at + 4, 6, "/proc/") == 0) continue;
    numbers.insert(atoi(text.c_str() + text.rfind(' ', at - 1)));
  }
  return numbers;
}

}  // namespace

TEST(runs_a_program) { CHECK_EQUAL(run(request_for(shell("exit 7"))), 7); }

TEST(survives_a_move_of_a_short_request) {
  SpawnRequest first = request_for({"/bin/sh", "-c", "exit 3"});
  SpawnRequest second = std::move(first);
  CHECK_EQUAL(run(std::move(second)), 3);
}

TEST(reports_step_and_errno) {
  struct Case {
    const char* path;
    const char* cwd;
    SpawnStep step;
    int error;
  };
  for (const Case& failure : {Case{"/none", "/", SpawnStep::kExec, ENOENT}, Case{"/", "/", SpawnStep::kExec, EACCES},
                              Case{"/bin/sh", "/none", SpawnStep::kChdir, ENOENT}}) {
    const SpawnResult result = start(request_for({failure.path}, {}, UniqueFd(), failure.cwd));
    CHECK_EQUAL(result.error, failure.error);
    CHECK(result.step == failure.step);
    CHECK_EQUAL(result.pid, 0);
    CHECK(!result.pidfd);
    // Nothing is left to wait for.
    CHECK_EQUAL(waitpid(-1, nullptr, WNOHANG), -1);
  }
}

TEST(refuses_a_descriptor_that_is_not_open_and_leaves_its_number_alone) {
  SpawnRequest request = request_for({"/bin/true"}, {-1, 700});
  const UniqueFd other(fcntl(0, F_DUPFD_CLOEXEC, 700));
  CHECK_EQUAL(other.get(), 700);
  const SpawnResult result = start(std::move(request));
  CHECK_EQUAL(result.error, EBADF);
  CHECK(result.step == SpawnStep::kDescriptors);
  CHECK_EQUAL(fcntl(700, F_GETFD), FD_CLOEXEC);
}

TEST(passes_exactly_the_plan_while_200_others_are_open) {
  std::vector<UniqueFd> others;
  for (int i = 0; i < 200; i++) others.emplace_back(open("/dev/null", O_RDONLY | (i % 2 ? O_CLOEXEC : 0)));
  for (const int number : {300, 999}) others.emplace_back(fcntl(0, F_DUPFD, number));
  const std::set<int> expected = {0, 1, 2, 3, 4, 5};
  CHECK(listed_descriptors({fcntl(0, F_DUPFD_CLOEXEC, 3), fcntl(0, F_DUPFD_CLOEXEC, 250), -1}) == expected);
}

TEST(passes_exactly_the_plan_while_threads_open_inheritable_descriptors) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; i++) {
    threads.emplace_back([&] {
      while (!stop) {
        const UniqueFd low(open("/dev/null", O_RDONLY));
        const UniqueFd high(fcntl(0, F_DUPFD, 500));
      }
    });
  }
  const std::set<int> expected = {0, 1, 2, 3};
  for (int i = 0; i < 100; i++) CHECK(listed_descriptors({fcntl(0, F_DUPFD_CLOEXEC, 3)}) == expected);
  stop = true;
  for (auto& thread : threads) thread.join();
}

TEST(works_with_the_standard_descriptors_closed) {
  const pid_t pid = fork();
  if (pid == 0) {
    close(0);
    close(1);
    close(2);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) _exit(90);  // 0 and 1
    const SpawnResult result = start(request_for(shell("echo hello >&2; exit 5"), {-1, -1, ends[1]}));
    if (result.error != 0) _exit(91);
    if (read_all(ends[0]) != "hello\n") _exit(92);
    int status = 0;
    if (waitpid(result.pid, &status, 0) < 0 || WEXITSTATUS(status) != 5) _exit(93);
    _exit(0);
  }
  CHECK_EQUAL(wait_for(pid).si_status, 0);
}

TEST(resets_signals_umask_and_session) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGRTMAX, SIG_IGN);
  signal(SIGUSR1, [](int) {});
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  umask(077);
  const std::string status = output_of({"/bin/cat", "/proc/self/status"});
  for (const char* expected : {"SigBlk:\t0000000000000000\n", "SigIgn:\t0000000000000000\n",
                               "SigCgt:\t0000000000000000\n", "Umask:\t0022\n"}) {
    CHECK(status.find(expected) != std::string::npos);
  }
  // Ours are as they were.
  CHECK_EQUAL(umask(022), 077);
  sigset_t now;
  sigprocmask(SIG_UNBLOCK, &set, &now);
  CHECK(sigismember(&now, SIGHUP) && sigismember(&now, SIGRTMIN) && !sigismember(&now, SIGTERM));
  struct sigaction action = {};
  sigaction(SIGTERM, nullptr, &action);
  CHECK(action.sa_handler == SIG_IGN);
  for (const int number : {SIGPIPE, SIGTERM, SIGRTMAX, SIGUSR1}) signal(number, SIG_DFL);

  const std::string stat = output_of({"/bin/sh", "-c", "cut -d' ' -f6 /proc/$$/stat; echo $$"});
  const size_t middle = stat.find('\n');
  CHECK(stat.substr(0, middle + 1) == stat.substr(middle + 1));
}

TEST(runs_a_sealed_image_over_the_places_of_the_plan) {
  const UniqueFd file(open("/bin/busybox", O_RDONLY | O_CLOEXEC));
  UniqueFd image(open_sealed_image(file.get()));
  CHECK(image.get() > 0);
  std::vector<int> fds(20, -1);  // more places than the image's number
  CHECK_EQUAL(run(request_for({"sh", "-c", "exit 6"}, fds, std::move(image))), 6);
}

TEST(closes_what_it_was_given_when_it_is_dropped) {
  SpawnRequest request = request_for({"/bin/true"}, {fcntl(0, F_DUPFD_CLOEXEC, 3), -1});
}

TEST(says_when_there_is_no_descriptor_left) {
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;
  setrlimit(RLIMIT_NOFILE, &none);
  const SpawnResult result = start(request_for({"/bin/true"}, {-1}));
  const SpawnResult second = start(request_for({"/bin/true"}, {}));
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK_EQUAL(result.error, EMFILE);
  CHECK(result.step == SpawnStep::kDevNull);
  CHECK_EQUAL(second.error, EMFILE);
  CHECK(second.step == SpawnStep::kPipe);
}

TEST(spawns_from_many_threads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([i] {
      CloneStack stack;
      for (int round = 0; round < 25; round++) {
        SpawnRequest request = request_for(shell("exit " + std::to_string(i + 1)));
        const SpawnResult result = spawn(request, stack);
        CHECK_EQUAL(result.error, 0);
        CHECK_EQUAL(wait_for(result.pid).si_status, i + 1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(spawns_while_libc_signals_every_thread) {
  std::atomic<int> left{4};
  std::vector<std::thread> threads;
  {
    const BlockSignals inherited(signals_of_programs());
    for (int i = 0; i < 4; i++) {
      threads.emplace_back([&left] {
        CloneStack stack;
        for (int round = 0; round < 50; round++) {
          SpawnRequest request = request_for(shell("exit 7"));
          const SpawnResult result = spawn(request, stack);
          CHECK_EQUAL(result.error, 0);
          const int status = retry_interrupted([&] { return waitid(P_PID, static_cast<id_t>(result.pid), nullptr, WEXITED | WNOWAIT); });
          CHECK_EQUAL(status, 0);
          CHECK_EQUAL(wait_for(result.pid).si_status, 7);
        }
        left--;
      });
    }
  }
  // As good as setegid(2) to another group: every thread is made to do it, by a signal.
  int count = 0;
  for (; left > 0; count++) CHECK_EQUAL(setegid(getegid()), 0);
  for (auto& thread : threads) thread.join();
  CHECK(count > 0);
}
