// SpawnRequest::split on any string and any count, against a plain way of doing the same.

#include <cerrno>
#include <cstring>
#include <vector>

#include "check_macros.h"
#include "input.h"
#include "spawn.h"

namespace dobby {

/** Looks at what split() has made. */
struct SpawnRequestView {
  static void check(const SpawnRequest& request, const std::vector<std::string>& parts, size_t argc) {
    if (parts.size() < 2 || argc > parts.size() - 2) {
      CHECK_EQUAL(request.refused_error_, EINVAL);
      return;
    }
    CHECK_EQUAL(request.refused_error_, 0);
    CHECK(request.path_ == parts[0]);
    CHECK(request.cwd_ == parts[1]);
    check_list(request.argv_, parts, 2, argc);
    check_list(request.envp_, parts, 2 + argc, parts.size() - 2 - argc);
  }

 private:
  static void check_list(const std::vector<char*>& list, const std::vector<std::string>& parts, size_t first,
                         size_t count) {
    CHECK_EQUAL(list.size(), count + 1);
    CHECK(list[count] == nullptr);
    for (size_t i = 0; i < count; i++) CHECK(list[i] == parts[first + i]);
  }
};

}  // namespace dobby

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  // Counts that can be right, and now and then one that cannot.
  size_t argc = input.byte();
  if (argc > 250) argc = SIZE_MAX - (255 - argc);
  const std::string strings = input.rest();

  std::vector<std::string> parts(1);
  for (const char letter : strings) {
    if (letter == '\0') {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  dobby::SpawnRequest request(strings, {}, dobby::UniqueFd());
  request.split(argc);
  dobby::SpawnRequestView::check(request, parts, argc);
  const dobby::SpawnRequest moved(std::move(request));
  dobby::SpawnRequestView::check(moved, parts, argc);
  return 0;
}
