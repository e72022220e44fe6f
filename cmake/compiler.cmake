# The compiler and its optimisation: ccache where it is present, one kind of flags per build type.
# -march stays the baseline of the architecture, so that a wheel built on one machine runs on another.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(FASTERAPI_CCACHE ccache)
  mark_as_advanced(FASTERAPI_CCACHE)
  if(FASTERAPI_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${FASTERAPI_CCACHE})
  endif()
endif()

# Line tables stay in release builds, for perf and for readable crash reports; `pip wheel` strips them.
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g")
if(FASTERAPI_SANITIZE)
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")
endif()

if(FASTERAPI_LTO AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT FASTERAPI_SANITIZE)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT lto_works LANGUAGES CXX)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${lto_works})
endif()
