// What the addon does where calls are missing: a seccomp filter answers for a kernel or an emulator without them.
// Each test runs in a process of its own, since a filter cannot be removed and the spawner remembers what failed.

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cstring>
#include <string>

#include "check.h"
#include "exit_watch.h"
#include "memfd.h"
#include "spawn.h"
#include "syscalls.h"

using namespace dobby;

namespace {

constexpr sock_filter load(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset));
}

void install(const std::vector<sock_filter>& program) {
  sock_fprog filter = {static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  CHECK_EQUAL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

/** Answers a call with error when (argument & mask) is not zero; mask 0: always. */
void refuse(unsigned number, size_t argument, unsigned mask, int error) {
  std::vector<sock_filter> program = {
      load(offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, static_cast<uint8_t>(mask ? 3 : 1)),
  };
  if (mask) {
    program.push_back(load(offsetof(seccomp_data, args) + argument * 8));  // the low half, on a little-endian machine
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 0, 1));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  install(program);
}

const bool has_seccomp = prctl(PR_GET_SECCOMP) >= 0;

void in_process(void (*run)()) {
  SKIP_UNLESS(has_seccomp);
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    run();
    _exit(0);
  }
  int status = 0;
  CHECK_EQUAL(waitpid(pid, &status, 0), pid);
  CHECK_EQUAL(status, 0);
}

std::string listing(std::vector<int> more_fds) {
  int ends[2];
  CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
  std::vector<int> fds = {-1, ends[1], -1};
  fds.insert(fds.end(), more_fds.begin(), more_fds.end());
  const std::string script = "for fd in /proc/$$/fd/*; do [ -e $fd ] && echo -n ${fd##*/}; done";
  SpawnRequest request(std::string("/bin/sh\0/\0sh\0-c\0", 16) + script, fds, UniqueFd());
  request.split(3);
  CloneStack stack;
  const SpawnResult result = spawn(request, stack);
  CHECK_EQUAL(result.error, 0);
  CHECK(result.pidfd.get() >= 0);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  CHECK_EQUAL(waitpid(result.pid, nullptr, 0), result.pid);
  return text;
}

void check_exactness() {
  for (int i = 0; i < 50; i++) CHECK(open("/dev/null", O_RDONLY) >= 0);
  fcntl(0, F_DUPFD, 900);
  for (int i = 0; i < 3; i++) CHECK(listing({-1, fcntl(0, F_DUPFD_CLOEXEC, 3)}) == "01234");
}

void check_failure() {
  SpawnRequest request(std::string("/none\0/\0none", 12), {}, UniqueFd());
  request.split(1);
  CloneStack stack;
  const SpawnResult result = spawn(request, stack);
  CHECK_EQUAL(result.error, ENOENT);
  CHECK(result.step == SpawnStep::kExec);
  CHECK_EQUAL(waitpid(-1, nullptr, WNOHANG), -1);
}

}  // namespace

TEST(spawns_without_close_range) {
  for (const int error : {ENOSYS, EPERM}) {
    static int answer;
    answer = error;
    in_process([] {
      refuse(SYS_close_range, 0, 0, answer);
      check_exactness();
      check_failure();
    });
  }
}

TEST(spawns_with_close_range_that_cannot_mark) {
  in_process([] {
    refuse(SYS_close_range, 2, kCloseRangeCloexec, EINVAL);
    check_exactness();
  });
}

#ifdef __x86_64__  // where the flags are the first argument of clone
TEST(spawns_without_shared_tables_and_clone_pidfd_as_under_an_emulator) {
  in_process([] {
    refuse(SYS_clone, 0, CLONE_FILES | kClonePidfd, EINVAL);
    check_exactness();
    check_failure();
  });
}

TEST(spawns_with_none_of_it) {
  in_process([] {
    refuse(SYS_clone, 0, CLONE_FILES | kClonePidfd, EINVAL);
    refuse(SYS_close_range, 0, 0, ENOSYS);
    check_exactness();
    check_failure();
  });
}
#endif

TEST(makes_memfds_without_the_flags_of_linux_6_3) {
  in_process([] {
    refuse(SYS_memfd_create, 1, kMemfdNoexecSeal | kMemfdExec, EINVAL);
    const int bounded = open_memfd("bounded", 4096);
    CHECK(bounded >= 0);
    CHECK_EQUAL(fcntl(bounded, kGetSeals), kSealGrow | kSealShrink | kSealSeal);
    const int image = open_sealed_image(open("/bin/busybox", O_RDONLY));
    CHECK(image >= 0);
    CHECK_EQUAL(fcntl(image, kGetSeals), kSealGrow | kSealShrink | kSealSeal | kSealWrite);
  });
}

TEST(executes_an_image_without_execveat) {
  in_process([] {
    refuse(SYS_execveat, 0, 0, ENOSYS);
    UniqueFd image(open_sealed_image(open("/bin/busybox", O_RDONLY)));
    SpawnRequest request(std::string("\0/\0sh\0-c\0exit 8", 15), {-1, -1, -1}, std::move(image));
    request.split(3);
    CloneStack stack;
    const SpawnResult result = spawn(request, stack);
    CHECK_EQUAL(result.error, 0);
    int status = 0;
    CHECK_EQUAL(waitpid(result.pid, &status, 0), result.pid);
    CHECK_EQUAL(WEXITSTATUS(status), 8);
  });
}

TEST(copies_an_image_by_hand_where_sendfile_cannot) {
  in_process([] {
    refuse(SYS_sendfile, 0, 0, EINVAL);
    const int file = open("/bin/busybox", O_RDONLY);
    const int image = open_sealed_image(file);
    CHECK(image >= 0);
    CHECK_EQUAL(lseek(image, 0, SEEK_END), lseek(file, 0, SEEK_END));
  });
}

TEST(knows_no_exit_info_without_the_ioctl) {
  in_process([] {
    refuse(SYS_ioctl, 1, 0, ENOTTY);
    CHECK(!has_pidfd_exit_info());
    CHECK_EQUAL(waitpid(-1, nullptr, WNOHANG | __WALL), -1);
  });
}
