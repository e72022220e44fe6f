#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fasterapi/core/result.h"
#include "shared/patience.h"
#include "shared/region.h"

namespace fasterapi::shared {

enum class object_kind : uint64_t { counter = 1, dict, lock, event, queue, channel };

inline constexpr size_t name_max_bytes = 255;

// What an object was made with: whoever opens it by the same name must ask for the same.
using object_options = std::array<uint64_t, 3>;

// What to make where no object of that name is there yet.
struct object_plan {
  object_kind kind;
  object_options options = {};
  size_t bytes;
  // Makes the object in zeroed memory, 64-byte aligned; `context` is the plan's own.
  void (*make)(void* memory, const void* context);
  const void* context;
};

// Why an object cannot be had.
enum class directory_errc { bad_name = 1, other_kind, other_options, full };
std::error_code make_error_code(directory_errc code) noexcept;

// The object of that name; made by the first who asks. Objects live as long as the region.
core::result<void*> open_object(const region& in, std::string_view name, const object_plan& plan, patience& waiting);

// "a Counter", for messages.
std::string_view kind_name(object_kind kind) noexcept;

// Tells that the region is full, by the bound's name.
core::error full_error(const region& in);

}  // namespace fasterapi::shared

template <>
struct std::is_error_code_enum<fasterapi::shared::directory_errc> : std::true_type {};
