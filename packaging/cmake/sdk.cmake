# For the SDK of Yocto or RDK, whose environment script sets CC, CXX, CFLAGS, CXXFLAGS, LDFLAGS and SDKTARGETSYSROOT:
#   . /opt/sdk/environment-setup-cortexa15t2hf-neon-rdk-linux-gnueabi
#   npx cmake-js compile --CDCMAKE_TOOLCHAIN_FILE=packaging/cmake/sdk.cmake
# The SDK's own OEToolchainConfig.cmake does as well; this one needs nothing but those variables.
set(CMAKE_SYSTEM_NAME Linux)
if(DEFINED ENV{OECORE_TARGET_ARCH})
  set(CMAKE_SYSTEM_PROCESSOR $ENV{OECORE_TARGET_ARCH})
endif()
# CC is a command with arguments (-march, --sysroot), which CMake takes from a list.
foreach(LANGUAGE C CXX)
  if(LANGUAGE STREQUAL C)
    set(SDK_COMPILER "$ENV{CC}")
  else()
    set(SDK_COMPILER "$ENV{CXX}")
  endif()
  if(SDK_COMPILER STREQUAL "")
    message(FATAL_ERROR "CC and CXX are not set: source the SDK's environment-setup-... file first")
  endif()
  separate_arguments(SDK_COMPILER UNIX_COMMAND "${SDK_COMPILER}")
  list(POP_FRONT SDK_COMPILER CMAKE_${LANGUAGE}_COMPILER)
  string(REPLACE ";" " " CMAKE_${LANGUAGE}_FLAGS_INIT "${SDK_COMPILER}")
endforeach()
if(DEFINED ENV{SDKTARGETSYSROOT})
  set(CMAKE_SYSROOT $ENV{SDKTARGETSYSROOT})
  set(CMAKE_FIND_ROOT_PATH $ENV{SDKTARGETSYSROOT})
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
