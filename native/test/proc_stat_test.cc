#include "proc_stat.h"

#include <cstring>
#include <string>
#include <unistd.h>

#include "check.h"

using dobby::ProcStat;

namespace {

std::string line(const std::string& name, const std::string& exit_code = "256") {
  std::string text = "4711 (" + name + ") Z 12 4711 99 0 -1 4227084 0 0 0 0 0 0 0 0 20 0 1 0 31337 0 0 18446744073709551615";
  for (int field = 26; field <= 51; field++) text += " 0";
  return text + ' ' + exit_code + '\n';
}

void check_parses(const std::string& text) {
  ProcStat stat;
  CHECK(dobby::parse_proc_stat(text.data(), text.size(), stat));
  CHECK_EQUAL(stat.state, 'Z');
  CHECK_EQUAL(stat.parent, 12);
  CHECK_EQUAL(stat.session, 99);
  CHECK_EQUAL(stat.start_time, 31337);
  CHECK_EQUAL(stat.exit_code, 256);
}

}  // namespace

TEST(reads_the_fields) { check_parses(line("sh")); }

TEST(is_not_misled_by_names) {
  for (const char* name : {") Z 1 (", "", ")", "((", "a) R 1 1 1 (b", ") Z 12 4711 99", "\n) S 1\n", "x y z"}) check_parses(line(name));
}

TEST(refuses_what_is_cut_off) {
  const std::string whole = line("sh");
  // Without the end of line, and without digits of the last field, it is still a line.
  for (size_t length = 0; length < whole.size() - 4; length++) {
    const std::string text = whole.substr(0, length);
    ProcStat stat;
    CHECK(!dobby::parse_proc_stat(text.data(), text.size(), stat));
  }
}

TEST(refuses_what_is_no_number) {
  ProcStat stat;
  for (const char* code : {"", "-", "x", "+1"}) {
    const std::string text = line("sh", code);
    CHECK(!dobby::parse_proc_stat(text.data(), text.size(), stat));
  }
}

TEST(reads_itself) {
  ProcStat stat;
  // An emulator makes up a shorter file for its own process.
  SKIP_UNLESS(dobby::read_proc_stat(getpid(), stat));
  CHECK_EQUAL(stat.state, 'R');
  CHECK_EQUAL(stat.parent, getppid());
  CHECK_EQUAL(stat.session, getsid(0));
  CHECK(!dobby::read_proc_stat(1 << 30, stat));
  CHECK(!dobby::in_nested_pid_namespace(getpid()));
  CHECK(!dobby::in_other_cgroup(getpid()));
  CHECK(dobby::may_see_exit_code(getpid()));
}
