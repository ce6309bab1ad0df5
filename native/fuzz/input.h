#pragma once

// How a fuzz target reads what the fuzzer made up: values from the front, zeros when there are no more.

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  bool empty() const { return at_ == size_; }
  uint8_t byte() { return empty() ? 0 : data_[at_++]; }
  uint32_t word() {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value = value << 8 | byte();
    return value;
  }
  /** At most length bytes: as many as there are. */
  std::string bytes(size_t length) {
    const size_t there = length < size_ - at_ ? length : size_ - at_;
    std::string text(reinterpret_cast<const char*>(data_) + at_, there);
    at_ += there;
    return text;
  }
  std::string rest() { return bytes(size_ - at_); }

 private:
  const uint8_t* const data_;
  const size_t size_;
  size_t at_ = 0;
};
