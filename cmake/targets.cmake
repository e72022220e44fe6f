# Flags and helpers shared by every engine target.

add_library(fasterapi_flags INTERFACE)
target_compile_options(fasterapi_flags INTERFACE
  -Wall -Wextra -Wconversion -Werror -fno-exceptions -fno-rtti -fno-plt -fno-semantic-interposition
  # g++ 12 reports overlapping copies inside std::string's own concatenation (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_include_directories(fasterapi_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
if(FASTERAPI_SANITIZE)
  target_compile_options(fasterapi_flags INTERFACE
    -fsanitize=${FASTERAPI_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(fasterapi_flags INTERFACE -fsanitize=${FASTERAPI_SANITIZE})
endif()

if(FASTERAPI_FUZZ)
  target_compile_options(fasterapi_flags INTERFACE -fsanitize=fuzzer-no-link)  # coverage of the engine's code
endif()

# All test programs and nothing else: what `ctest` needs.
if(FASTERAPI_TESTS)
  add_custom_target(unit_tests)
endif()

# fasterapi_library(NAME SOURCES... [LINK targets...] [TYPE_INFO sources...]): one folder of src/, one static library, one
# namespace. Whoever uses it from the installed package, as fasterapi::NAME, has none of our flags. The sources of TYPE_INFO
# hold the virtual functions of classes that users' classes derive from, whose type information those refer to.
function(fasterapi_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;TYPE_INFO" ${ARGN})
  add_library(fasterapi_${name} STATIC ${arg_SOURCES})
  # UndefinedBehaviorSanitizer would then ask for the type information of every class that these sources use. What is
  # optimised as a whole is not installed, and would find each class there twice.
  if(NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    set_source_files_properties(${arg_TYPE_INFO} PROPERTIES COMPILE_OPTIONS "-frtti;-fno-sanitize=vptr")
  endif()
  target_link_libraries(fasterapi_${name} PUBLIC $<BUILD_INTERFACE:fasterapi_flags> ${arg_LINK})
  target_compile_features(fasterapi_${name} PUBLIC cxx_std_20)
  set_target_properties(fasterapi_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY FASTERAPI_LIBRARIES fasterapi_${name})
endfunction()

# fasterapi_test(LIBRARY source_test.cc... [NAME name]): a GoogleTest program of a library, beside its sources. One per
# library, but for tests that need a program of their own: those have a NAME.
function(fasterapi_test library)
  if(NOT FASTERAPI_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "NAME" "" ${ARGN})
  set(name ${library})
  if(arg_NAME)
    set(name ${arg_NAME})
  endif()
  add_executable(${name}_test ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name}_test PRIVATE fasterapi_${library} GTest::gtest_main)
  add_dependencies(unit_tests ${name}_test)
  include(GoogleTest)
  gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST)
endfunction()
