// parse_proc_stat on any bytes, and on lines of the kernel's in which only the name is any bytes.

#include "proc_stat.h"

#include <algorithm>
#include <cstring>

#include "check_macros.h"
#include "input.h"

using dobby::ProcStat;

namespace {

/** The kernel's own: what stands after the name is never wrong, whatever the name is. */
void check_name(const std::string& name) {
  std::string line = "4711 (" + name + ") Z 12 4711 99 0 -1 4227084 0 0 0 0 0 0 0 0 20 0 1 0 31337 0 0 18446744073709551615";
  for (int field = 26; field <= 51; field++) line += " 0";
  line += " 256\n";
  ProcStat stat;
  CHECK(dobby::parse_proc_stat(line.data(), line.size(), stat));
  CHECK_EQUAL(stat.state, 'Z');
  CHECK_EQUAL(stat.parent, 12);
  CHECK_EQUAL(stat.session, 99);
  CHECK_EQUAL(stat.start_time, 31337);
  CHECK_EQUAL(stat.exit_code, 256);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const char* text = reinterpret_cast<const char*>(data);
  ProcStat stat;
  if (dobby::parse_proc_stat(text, size, stat)) {
    // It has the form " S number number…" after its last parenthesis, or it was not to be taken.
    const auto* end = static_cast<const char*>(memrchr(text, ')', size));
    CHECK(end != nullptr);
    const std::string tail(end + 1, text + size);
    CHECK(tail[0] == ' ' && tail[1] == stat.state && tail[2] == ' ');
    CHECK(std::count(tail.begin(), tail.end(), ' ') >= 50);
  }
  check_name(std::string(text, size));
  return 0;
}
