// Files of a container's state.

#include <cerrno>

#include "files.h"
#include "js_functions.h"

namespace dobby {
namespace {

Napi::Value StampFile(const Info& info) {
  FileStamp stamp;
  const int result = stamp_file(PathArgument(info, 0).c_str(), stamp);
  const Doubles out = doubles_of(info[1]);
  if (result == 0 && out.length >= 5) {
    out.data[0] = static_cast<double>(stamp.device);
    out.data[1] = static_cast<double>(stamp.inode);
    out.data[2] = static_cast<double>(stamp.size);
    out.data[3] = stamp.modified_ms;
    out.data[4] = stamp.changed_ms;
  }
  return number(info, result);
}

Napi::Value ReadFile(const Info& info) {
  size_t length = 0;
  uint8_t* const data = bytes_at(info, 2, length);
  if (!data) return number(info, -EINVAL);
  return number(info, static_cast<double>(read_file(PathArgument(info, 0).c_str(), int_at(info, 1), data, length)));
}

Napi::Value ReleaseFifo(const Info& info) { return number(info, release_fifo(PathArgument(info, 0).c_str())); }

}  // namespace

FunctionTable file_functions() {
  return {
      function<StampFile>("fileStamp"),
      function<ReadFile>("readFile"),
      function<ReleaseFifo>("releaseFifo"),
  };
}

}  // namespace dobby
