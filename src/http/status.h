#pragma once

#include <cstdint>
#include <string_view>

namespace fasterapi::http {

// The registered reason phrase of a status code (IANA HTTP Status Code Registry); empty for any other number.
std::string_view reason_phrase(uint16_t status) noexcept;

// Whether a response of that status can have content at all (RFC 9110 §6.4.1): not 1xx, 204 and 304.
constexpr bool allows_content(uint16_t status) noexcept { return status >= 200 && status != 204 && status != 304; }

}  // namespace fasterapi::http
