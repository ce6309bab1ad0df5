// What the C++ library would bring along for exceptions that cannot happen here (the addon is built without
// them): the unwinder, and with it symbols newer than glibc 2.28 and 200 KB. Where the library would throw, the
// process ends. Only the addon links this file; tests use the library's own.

#include <cstdlib>
#include <new>

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
