// Runs a fuzz target on every file of the directories named, without a fuzzer: the kept corpus as a test.

#include <dirent.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "check_macros.h"
#include "input.h"

namespace {

std::vector<std::string> files_in(const std::string& path) {
  std::vector<std::string> files;
  DIR* const directory = opendir(path.c_str());
  if (!directory) return files;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') files.push_back(path + '/' + entry->d_name);
  }
  closedir(directory);
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (int i = 1; i < argc; i++) {
    for (const std::string& file : files_in(argv[i])) {
      std::ifstream stream(file, std::ios::binary);
      // A copy of just the size, so that a sanitizer sees what reads past it.
      const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      count++;
    }
  }
  printf("%zu files\n", count);
  return count > 0 ? 0 : 1;
}
