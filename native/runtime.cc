// What the C++ library would bring along for exceptions that cannot happen here (the addon is built without
// them): the unwinder, and with it symbols newer than glibc 2.28 and 200 KB. Where the library would throw, the
// process ends. Only the addon links this file; tests use the library's own.

#include <atomic>
#include <cstdarg>
#include <cstdlib>
#include <new>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

// What fcntl() is called by with 64-bit offsets. musl has no such name. Its third argument is never a lock here.
extern "C" __attribute__((visibility("hidden"))) int fcntl64(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
#ifdef SYS_fcntl64
  return static_cast<int>(syscall(SYS_fcntl64, fd, command, argument));
#else
  return static_cast<int>(syscall(SYS_fcntl, fd, command, argument));
#endif
}

#ifdef __GLIBCXX__

// The library's names are what this is about. NOLINTBEGIN(*-reserved-identifier,cert-dcl*)

namespace {

void* allocate(std::size_t size) {
  void* const memory = malloc(size ? size : 1);
  if (!memory) abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, std::size_t) noexcept { free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { free(memory); }

extern "C" void __cxa_pure_virtual() { abort(); }

// Function-local statics, which two environments may reach at once. The first byte says 'made' (the C++ ABI of every
// architecture looks there before it calls), the second is ours: somebody is at it.
extern "C" int __cxa_guard_acquire(std::atomic<unsigned char>* guard) {
  for (;;) {
    if (guard[0].load(std::memory_order_acquire)) return 0;
    if (!guard[1].exchange(1, std::memory_order_acquire)) {
      if (!guard[0].load(std::memory_order_acquire)) return 1;
      guard[1].store(0, std::memory_order_release);
      return 0;
    }
    sched_yield();
  }
}

extern "C" void __cxa_guard_release(std::atomic<unsigned char>* guard) {
  guard[0].store(1, std::memory_order_release);
  guard[1].store(0, std::memory_order_release);
}

// glibc 2.32's own would tell the library that it may count without atomics; older ones lack it.
extern "C" {
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
}

namespace std {

void __throw_bad_alloc() { abort(); }
void __throw_bad_array_new_length() { abort(); }
void __throw_length_error(const char*) { abort(); }
void __throw_logic_error(const char*) { abort(); }
void __throw_out_of_range_fmt(const char*, ...) { abort(); }
void __throw_system_error(int) { abort(); }
void __throw_bad_function_call() { abort(); }
#if _GLIBCXX_RELEASE >= 12
// Reached by the bounds checks that _GLIBCXX_ASSERTIONS turns on.
void __glibcxx_assert_fail(const char*, int, const char*, const char*) noexcept { abort(); }
#endif

}  // namespace std

// NOLINTEND(*-reserved-identifier,cert-dcl*)

#endif
