#pragma once

// The version that these headers belong to. Until 1.0 a minor version may break what the one before it offered.
#define FASTERAPI_VERSION_MAJOR 0
#define FASTERAPI_VERSION_MINOR 1
#define FASTERAPI_VERSION_PATCH 0

namespace fasterapi {

// "major.minor.patch".
inline constexpr const char* version = "0.1.0";

}  // namespace fasterapi
