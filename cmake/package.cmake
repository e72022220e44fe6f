# The installed package: `cmake --install … --component cpp` puts headers, static libraries and what find_package(fasterapi)
# reads below the prefix. Include it after the libraries are made.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

file(READ include/fasterapi/version.h version_header)
if(NOT version_header MATCHES "version = \"${PROJECT_VERSION}\"")
  message(FATAL_ERROR "include/fasterapi/version.h is not of version ${PROJECT_VERSION}")
endif()

get_property(libraries GLOBAL PROPERTY FASTERAPI_LIBRARIES)
add_custom_target(cpp DEPENDS ${libraries})  # what the component installs

if(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
  # These libraries hold the compiler's intermediate code, which no other compiler can link.
  install(CODE "message(FATAL_ERROR \"install the package from a build without FASTERAPI_LTO: cmake --preset package\")"
    COMPONENT cpp EXCLUDE_FROM_ALL)
else()
  set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/fasterapi)
  install(TARGETS ${libraries} EXPORT fasterapiTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp EXCLUDE_FROM_ALL
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT fasterapiTargets NAMESPACE fasterapi:: DESTINATION ${package_folder} COMPONENT cpp EXCLUDE_FROM_ALL)
  install(DIRECTORY include/fasterapi DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT cpp EXCLUDE_FROM_ALL)
  find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
  configure_package_config_file(cmake/fasterapiConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/fasterapiConfig.cmake
    INSTALL_DESTINATION ${package_folder})
  write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/fasterapiConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fasterapiConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/fasterapiConfigVersion.cmake
    DESTINATION ${package_folder} COMPONENT cpp EXCLUDE_FROM_ALL)
endif()
