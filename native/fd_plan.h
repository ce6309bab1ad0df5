#pragma once

#include <vector>

namespace dobby {

/**
 * One step of a plan, carried out in order:
 *   from == to           the descriptor is in place: clear its close-on-exec flag
 *   to < target count    dup2(from, to)
 *   otherwise            a temporary copy, to be made close-on-exec
 */
struct FdMove {
  int from;
  int to;
};

/**
 * The moves after which descriptor i is what sources[i] was before, for every i.
 *
 * Numbers in `reserved` are left alone (they must not be below sources.size()); every other number from
 * sources.size() up may be overwritten, because the program gets none of them. Sources may repeat, be in place
 * already, or stand in each other's places in cycles.
 */
std::vector<FdMove> plan_descriptors(const std::vector<int>& sources, const std::vector<int>& reserved);

}  // namespace dobby
