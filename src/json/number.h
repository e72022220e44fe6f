#pragma once

#include <cstddef>
#include <string_view>

namespace fasterapi::json {

// The longest integer that Python converts from text (sys.int_info.default_max_str_digits).
inline constexpr size_t integer_max_digits = 4300;

// The double nearest to a decimal number such as "-1.5e3", ".5" or "5."; a magnitude past a double's range becomes an
// infinity or zero. False when `text` is not such a number.
bool read_real(std::string_view text, double& real) noexcept;

}  // namespace fasterapi::json
