#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fasterapi::shared {

// SipHash-1-3 of some bytes: without the key nobody can choose bytes that collide.
uint64_t siphash(const std::array<uint64_t, 2>& key, std::string_view bytes) noexcept;

}  // namespace fasterapi::shared
