#include "files.h"

#include <cerrno>
#include <fcntl.h>
#include <pthread.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

using dobby::FileStamp;
using dobby::read_file;
using dobby::release_fifo;
using dobby::stamp_file;

namespace {

/** A directory of a test, removed with the files that it names. */
class Directory {
 public:
  Directory() { CHECK(mkdtemp(path_)); }
  ~Directory() {
    for (const char* name : {"file", "other", "fifo"}) unlink(at(name).c_str());
    rmdir(path_);
  }
  std::string at(const char* name) const { return std::string(path_) + "/" + name; }

 private:
  char path_[32] = "/tmp/dobby-files-XXXXXX";
};

void write_file(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  CHECK_EQUAL(write(fd, text.data(), text.size()), text.size());
  close(fd);
}

/** Reads a fifo as crun's init does: waits in open() for a writer, then for one byte. */
void* read_byte(void* path) {
  const int fd = open(static_cast<const char*>(path), O_RDONLY | O_CLOEXEC);
  char byte = 1;
  const ssize_t length = read(fd, &byte, 1);
  close(fd);
  return reinterpret_cast<void*>(length == 1 && byte == 0 ? 1L : 0L);
}

}  // namespace

TEST(stamps_tell_a_file_from_its_replacement) {
  const Directory directory;
  write_file(directory.at("file"), "one");
  FileStamp before;
  FileStamp again;
  FileStamp after;
  CHECK_EQUAL(stamp_file(directory.at("file").c_str(), before), 0);
  CHECK_EQUAL(before.size, 3);
  struct stat status;
  CHECK_EQUAL(stat(directory.at("file").c_str(), &status), 0);
  CHECK_EQUAL(before.inode, status.st_ino);
  CHECK_EQUAL(stamp_file(directory.at("file").c_str(), again), 0);
  CHECK(again.inode == before.inode && again.modified_ms == before.modified_ms);
  write_file(directory.at("other"), "two");
  CHECK_EQUAL(rename(directory.at("other").c_str(), directory.at("file").c_str()), 0);
  CHECK_EQUAL(stamp_file(directory.at("file").c_str(), after), 0);
  CHECK(after.inode != before.inode);
}

TEST(a_stamp_of_what_is_not_there_is_ENOENT) {
  FileStamp stamp;
  CHECK_EQUAL(stamp_file("/nonexistent/file", stamp), -ENOENT);
}

TEST(a_file_is_read_to_its_end_or_until_the_buffer_is_full) {
  const Directory directory;
  write_file(directory.at("file"), "0123456789");
  const int before = count_descriptors();
  char buffer[16] = {};
  CHECK_EQUAL(read_file(directory.at("file").c_str(), 0, buffer, sizeof buffer), 10);
  CHECK(std::string(buffer, 10) == "0123456789");
  CHECK_EQUAL(read_file(directory.at("file").c_str(), 0, buffer, 4), 4);
  CHECK_EQUAL(read_file("/nonexistent/file", 0, buffer, 4), -ENOENT);
  CHECK_EQUAL(read_file("/proc/self", 0, buffer, 4), -EISDIR);
  CHECK_EQUAL(count_descriptors(), before);
}

TEST(only_a_regular_file_is_read_and_a_symlink_followed_only_where_it_may_be) {
  const Directory directory;
  char buffer[16];
  CHECK_EQUAL(mkfifo(directory.at("fifo").c_str(), 0600), 0);
  CHECK_EQUAL(read_file(directory.at("fifo").c_str(), 0, buffer, sizeof buffer), -EINVAL);
  CHECK_EQUAL(read_file("/dev/zero", 0, buffer, sizeof buffer), -EINVAL);
  write_file(directory.at("file"), "text");
  CHECK_EQUAL(symlink(directory.at("file").c_str(), directory.at("other").c_str()), 0);
  CHECK_EQUAL(read_file(directory.at("other").c_str(), 0, buffer, sizeof buffer), 4);
  CHECK_EQUAL(read_file(directory.at("other").c_str(), O_NOFOLLOW, buffer, sizeof buffer), -ELOOP);
}

TEST(a_fifo_with_a_reader_gets_one_byte_and_loses_its_name) {
  const Directory directory;
  std::string fifo = directory.at("fifo");
  CHECK_EQUAL(mkfifo(fifo.c_str(), 0600), 0);
  const int before = count_descriptors();
  pthread_t reader;
  CHECK_EQUAL(pthread_create(&reader, nullptr, read_byte, fifo.data()), 0);
  int result = -ENXIO;
  while (result == -ENXIO) result = release_fifo(fifo.c_str());
  CHECK_EQUAL(result, 0);
  void* got_byte = nullptr;
  pthread_join(reader, &got_byte);
  CHECK(got_byte);
  CHECK_EQUAL(release_fifo(fifo.c_str()), -ENOENT);
  CHECK_EQUAL(count_descriptors(), before);
}

TEST(a_fifo_without_a_reader_stays) {
  const Directory directory;
  const std::string fifo = directory.at("fifo");
  CHECK_EQUAL(mkfifo(fifo.c_str(), 0600), 0);
  CHECK_EQUAL(release_fifo(fifo.c_str()), -ENXIO);
  CHECK_EQUAL(access(fifo.c_str(), F_OK), 0);
}

TEST(a_symlink_in_the_place_of_a_fifo_is_not_followed) {
  const Directory directory;
  write_file(directory.at("file"), "kept");
  CHECK_EQUAL(symlink(directory.at("file").c_str(), directory.at("fifo").c_str()), 0);
  CHECK_EQUAL(release_fifo(directory.at("fifo").c_str()), -ELOOP);
  FileStamp stamp;
  CHECK_EQUAL(stamp_file(directory.at("file").c_str(), stamp), 0);
  CHECK_EQUAL(stamp.size, 4);
}
