#pragma once

#include <cstdint>

namespace dobby {

/** A memfd that cannot be executed; limit > 0 fixes its size, so that writes past it get EPERM. fd or -errno. */
int open_memfd(const char* name, int64_t limit);

/**
 * A copy of an executable file in a memfd with the seals that crun and runc look for in themselves before they
 * decide to make such a copy: these four and no other. fd or -errno (-EACCES: vm.memfd_noexec forbids it).
 */
int open_sealed_image(int fd);

}  // namespace dobby
