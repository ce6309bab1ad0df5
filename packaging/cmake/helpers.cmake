# The helper programs: small static C programs that the addon's users start (native/keeper, native/helpers). Included
# by CMakeLists.txt.
#
# With glibc a static program is 700 KB; with musl it is 30. DOBBY_MUSL_INCLUDE and DOBBY_MUSL_LIB say where the target's
# musl is (npm run prebuilds takes Debian's musl-dev). Without them libc.a is used where there is one.
set(DOBBY_MUSL_INCLUDE "" CACHE PATH "Headers of musl, for the helper programs")
set(DOBBY_MUSL_LIB "" CACHE PATH "libc.a and crt1.o of musl, for the helper programs")

include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LINK_OPTIONS -static)
check_c_source_compiles("int main(void) { return 0; }" DOBBY_HAS_STATIC_LIBC)
unset(CMAKE_REQUIRED_LINK_OPTIONS)

function(dobby_helper NAME)
  add_executable(${NAME} ${ARGN})
  set_target_properties(${NAME} PROPERTIES C_STANDARD 11 C_EXTENSIONS ON POSITION_INDEPENDENT_CODE OFF)
  # cmake-js puts the addon into Release/, and it looks for its helpers beside it.
  if(CMAKE_LIBRARY_OUTPUT_DIRECTORY)
    set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
  endif()
  target_compile_options(${NAME} PRIVATE -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables)
  target_link_options(${NAME} PRIVATE -Wl,--gc-sections)
  if(DOBBY_MUSL_LIB)
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
      OUTPUT_VARIABLE COMPILER_HEADERS OUTPUT_STRIP_TRAILING_WHITESPACE)
    # The kernel's headers are the compiler's: musl has none, and its own go first.
    target_compile_options(${NAME} PRIVATE -fno-pie -fno-stack-protector -U_FORTIFY_SOURCE -nostdinc
      "SHELL:-isystem ${DOBBY_MUSL_INCLUDE}" "SHELL:-isystem ${COMPILER_HEADERS}" "SHELL:-idirafter ${DOBBY_KERNEL_HEADERS}"
      "SHELL:-idirafter ${DOBBY_KERNEL_HEADERS}/${CMAKE_C_LIBRARY_ARCHITECTURE}")
    target_link_options(${NAME} PRIVATE -static -no-pie -nostdlib
      ${DOBBY_MUSL_LIB}/crt1.o ${DOBBY_MUSL_LIB}/crti.o)
    target_link_libraries(${NAME} PRIVATE ${DOBBY_MUSL_LIB}/libc.a gcc ${DOBBY_MUSL_LIB}/libc.a ${DOBBY_MUSL_LIB}/crtn.o)
  elseif(DOBBY_HAS_STATIC_LIBC AND NOT DOBBY_SANITIZE)
    target_link_options(${NAME} PRIVATE -static)
  endif()
endfunction()

set(DOBBY_KERNEL_HEADERS /usr/include CACHE PATH "Where linux/ and asm/ of the target are")
dobby_helper(dobby-keeper native/keeper/keeper.c)
