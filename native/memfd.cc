#include "memfd.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"
#include "unique_fd.h"

namespace dobby {
namespace {

/** Kernels before 6.3 refuse the flags that say whether the file may be executed, and take it for granted. */
int memfd_with(const char* name, unsigned executable_flag) {
  const unsigned flags = kMemfdCloexec | kMemfdAllowSealing;
  const int fd = memfd_create(name, flags | executable_flag);
  return fd < 0 && errno == EINVAL ? memfd_create(name, flags) : fd;
}

int copy_by_hand(int from, int to, off_t& offset) {
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t n = retry_interrupted([&] { return pread(from, buffer, sizeof buffer, offset); });
    if (n <= 0) return n == 0 ? 0 : -errno;
    for (ssize_t done = 0; done < n;) {
      const ssize_t m = retry_interrupted([&] { return write(to, buffer + done, static_cast<size_t>(n - done)); });
      if (m < 0) return -errno;
      done += m;
    }
    offset += n;
  }
}

int copy_all(int from, int to) {
  constexpr size_t kChunk = 16 * 1024 * 1024;
  off_t offset = 0;
  for (;;) {
    const ssize_t n = retry_interrupted([&] { return sendfile(to, from, &offset, kChunk); });
    if (n == 0) return offset > 0 ? 0 : -ENOEXEC;
    if (n > 0) continue;
    // Some file systems cannot splice.
    if (errno == EINVAL || errno == ENOSYS) return copy_by_hand(from, to, offset);
    return -errno;
  }
}

}  // namespace

int open_memfd(const char* name, int64_t limit) {
  UniqueFd fd(memfd_with(name, kMemfdNoexecSeal));
  if (!fd) return -errno;
  if (limit > 0 && ftruncate(fd.get(), limit) != 0) return -errno;
  // Sealed against more seals in any case: the program that writes it must not be able to stop others' writes.
  const int seals = limit > 0 ? kSealGrow | kSealShrink | kSealSeal : kSealSeal;
  if (fcntl(fd.get(), kAddSeals, seals) != 0) return -errno;
  return fd.release();
}

int open_sealed_image(int fd) {
  UniqueFd image(memfd_with("dobby-runc-image", kMemfdExec));
  if (!image) return -errno;
  const int copied = copy_all(fd, image.get());
  if (copied < 0) return copied;
  if (fchmod(image.get(), 0555) != 0) return -errno;
  if (fcntl(image.get(), kAddSeals, kSealSeal | kSealShrink | kSealGrow | kSealWrite) != 0) return -errno;
  return image.release();
}

}  // namespace dobby
