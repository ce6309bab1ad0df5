#include "fd_plan.h"

#include <algorithm>

namespace dobby {

std::vector<FdMove> plan_descriptors(const std::vector<int>& sources, const std::vector<int>& reserved) {
  const int count = static_cast<int>(sources.size());
  std::vector<FdMove> moves;
  moves.reserve(sources.size() + 1);

  std::vector<int> source = sources;
  // readers[t]: how many places still need what is in t now. Only a place nobody reads may be overwritten.
  std::vector<int> readers(sources.size(), 0);
  std::vector<bool> pending(sources.size(), false);

  for (int to = 0; to < count; to++) {
    const int from = source[to];
    if (from == to) {
      moves.push_back({to, to});
      continue;
    }
    pending[to] = true;
    if (from < count) readers[from]++;
  }

  std::vector<int> free_places;
  for (int to = 0; to < count; to++) {
    if (pending[to] && readers[to] == 0) free_places.push_back(to);
  }
  const auto settle_free_places = [&] {
    while (!free_places.empty()) {
      const int to = free_places.back();
      free_places.pop_back();
      const int from = source[to];
      moves.push_back({from, to});
      pending[to] = false;
      if (from < count && --readers[from] == 0 && pending[from]) free_places.push_back(from);
    }
  };
  settle_free_places();

  // What is left are cycles. Opening one up lets all of it settle, so that one temporary number serves them all.
  int temporary = count;
  while (std::find(sources.begin(), sources.end(), temporary) != sources.end() ||
         std::find(reserved.begin(), reserved.end(), temporary) != reserved.end()) {
    temporary++;
  }
  for (int place = 0; place < count; place++) {
    if (!pending[place]) continue;
    moves.push_back({place, temporary});
    for (int to = 0; to < count; to++) {
      if (pending[to] && source[to] == place) source[to] = temporary;
    }
    readers[place] = 0;
    free_places.push_back(place);
    settle_free_places();
  }
  return moves;
}

}  // namespace dobby
