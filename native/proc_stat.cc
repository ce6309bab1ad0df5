#include "proc_stat.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "syscalls.h"
#include "unique_fd.h"

namespace dobby {
namespace {

/** Reads /proc/<pid>/<name> as a string; returns its length, 0 on failure or when it does not fit. */
size_t read_proc(pid_t pid, const char* name, char* buffer, size_t capacity) {
  char path[64];
  if (pid > 0) {
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  } else {
    snprintf(path, sizeof path, "/proc/self/%s", name);
  }
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) return 0;
  size_t length = 0;
  while (length < capacity) {
    const ssize_t n = retry_interrupted([&] { return read(fd.get(), buffer + length, capacity - length); });
    if (n < 0) return 0;
    if (n == 0) {
      buffer[length] = '\0';
      return length;
    }
    length += static_cast<size_t>(n);
  }
  return 0;
}

/** The rest of the line that starts with prefix, not NUL-terminated; null when there is none. */
const char* find_line(const char* text, const char* prefix, size_t& length) {
  const size_t prefix_length = strlen(prefix);
  for (const char* line = text; line && *line;) {
    const char* const end = strchrnul(line, '\n');
    if (strncmp(line, prefix, prefix_length) == 0) {
      length = static_cast<size_t>(end - line) - prefix_length;
      return line + prefix_length;
    }
    line = *end ? end + 1 : nullptr;
  }
  return nullptr;
}

constexpr size_t kStatCapacity = 2048;
constexpr size_t kFileCapacity = 8192;

}  // namespace

bool parse_proc_stat(const char* text, size_t length, ProcStat& out) {
  size_t at = length;
  while (at > 0 && text[at - 1] != ')') at--;
  if (at == 0 || at + 2 >= length || text[at] != ' ') return false;
  at++;
  out.state = text[at++];

  // Fields are counted as in the manual, where the state is the third.
  constexpr int kParent = 4, kSession = 6, kStartTime = 22, kExitCode = 52;
  for (int field = kParent; field <= kExitCode; field++) {
    if (at >= length || text[at] != ' ') return false;
    at++;
    const bool negative = at < length && text[at] == '-';
    if (negative) at++;
    const size_t first = at;
    uint64_t value = 0;
    while (at < length && text[at] >= '0' && text[at] <= '9') {
      value = value * 10 + static_cast<uint64_t>(text[at++] - '0');
    }
    if (at == first) return false;
    const auto number = static_cast<int>(negative ? 0 - value : value);
    if (field == kParent) out.parent = number;
    if (field == kSession) out.session = number;
    if (field == kStartTime) out.start_time = value;
    if (field == kExitCode) out.exit_code = number;
  }
  return true;
}

bool read_proc_stat(pid_t pid, ProcStat& out) {
  char text[kStatCapacity];
  const size_t length = read_proc(pid, "stat", text, sizeof text);
  return length > 0 && parse_proc_stat(text, length, out);
}

bool may_see_exit_code(pid_t pid) {
  char path[64];
  char target[1];
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  return readlink(path, target, sizeof target) >= 0 || errno == ENOENT;
}

bool in_nested_pid_namespace(pid_t pid) {
  char text[kFileCapacity];
  if (read_proc(pid, "status", text, sizeof text) == 0) return false;
  size_t length = 0;
  const char* line = find_line(text, "NSpid:", length);
  int numbers = 0;
  for (size_t i = 0; line && i < length; i++) {
    if (line[i] != '\t' && line[i] != ' ' && (i == 0 || line[i - 1] == '\t' || line[i - 1] == ' ')) numbers++;
  }
  return numbers > 1;
}

bool in_other_cgroup(pid_t pid) {
  // Only the line of v2: the v1 lines of a zombie say "/" wherever it was.
  char own_text[kFileCapacity];
  char its_text[kFileCapacity];
  size_t own_length = 0;
  size_t its_length = 0;
  if (read_proc(0, "cgroup", own_text, sizeof own_text) == 0) return false;
  if (read_proc(pid, "cgroup", its_text, sizeof its_text) == 0) return false;
  const char* own = find_line(own_text, "0::", own_length);
  const char* its = find_line(its_text, "0::", its_length);
  return own && its && (own_length != its_length || memcmp(own, its, own_length) != 0);
}

}  // namespace dobby
