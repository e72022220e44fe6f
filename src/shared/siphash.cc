#include "shared/siphash.h"

#include <bit>
#include <cstring>

namespace fasterapi::shared {

namespace {

struct state {
  uint64_t a, b, c, d;

  void round() noexcept {
    a += b;
    c += d;
    b = std::rotl(b, 13) ^ a;
    d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32);
    c += b;
    a += d;
    b = std::rotl(b, 17) ^ c;
    d = std::rotl(d, 21) ^ a;
    c = std::rotl(c, 32);
  }

  void absorb(uint64_t word) noexcept {
    d ^= word;
    round();
    a ^= word;
  }
};

}  // namespace

uint64_t siphash(const std::array<uint64_t, 2>& key, std::string_view bytes) noexcept {
  // "somepseudorandomlygeneratedbytes", as the algorithm's authors chose.
  state s{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
          key[1] ^ 0x7465646279746573};
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    s.absorb(word);
  }
  uint64_t last = uint64_t{bytes.size()} << 56;
  for (size_t i = at; i < bytes.size(); ++i) last |= uint64_t{static_cast<uint8_t>(bytes[i])} << ((i - at) * 8);
  s.absorb(last);
  s.c ^= 0xff;
  for (int i = 0; i < 3; ++i) s.round();
  return s.a ^ s.b ^ s.c ^ s.d;
}

}  // namespace fasterapi::shared
