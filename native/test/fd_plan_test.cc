#include "fd_plan.h"

#include <algorithm>
#include <random>

#include "check.h"
#include "simulate_plan.h"

using dobby::FdMove;

TEST(places_every_list_of_up_to_six_sources_out_of_eight) {
  constexpr int kNumbers = 8;
  for (int count = 0; count <= 6; count++) {
    std::vector<int> sources(count, 0);
    for (;;) {
      check_plan(sources, {8, 9});
      int at = 0;
      while (at < count && ++sources[at] == kNumbers) sources[at++] = 0;
      if (at == count) break;
    }
  }
}

TEST(uses_no_temporary_without_a_cycle) {
  const auto moves = dobby::plan_descriptors({1, 2, 3, 4}, {});
  CHECK_EQUAL(moves.size(), 4);
  CHECK(std::all_of(moves.begin(), moves.end(), [](const FdMove& move) { return move.to < 4; }));
}

TEST(does_not_take_a_reserved_number_for_a_temporary) {
  check_plan({1, 0}, {2, 3, 5});
  check_plan({1, 0, 4, 3, 2}, {5, 6, 7});
}

TEST(places_random_long_lists) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; round++) {
    std::vector<int> sources(1 + random() % 200);
    for (int& source : sources) source = static_cast<int>(random() % (sources.size() + 20));
    check_plan(sources, {1000, 1001});
  }
}

TEST(places_long_cycles) {
  std::mt19937 random(2);
  for (const int length : {2, 3, 100, 500}) {
    std::vector<int> sources(length);
    for (int i = 0; i < length; i++) sources[i] = (i + 1) % length;
    check_plan(sources, {});
    std::shuffle(sources.begin(), sources.end(), random);
    check_plan(sources, {});
  }
}
