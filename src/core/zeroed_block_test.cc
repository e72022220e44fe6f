#include "fasterapi/core/zeroed_block.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace fasterapi::core {
namespace {

constexpr size_t page = 4096;

TEST(ZeroedBlock, IsZeroAndAlignedAtEverySize) {
  for (const size_t bytes : {size_t{1}, page, size_t{1} << 20}) {
    for (const size_t alignment : {size_t{8}, size_t{64}, page}) {
      for (int again = 0; again < 3; ++again) {  // freed memory comes back as it was left
        const zeroed_block block(bytes, alignment);
        const auto* data = static_cast<const char*>(block.data());
        EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % alignment, 0U);
        EXPECT_TRUE(std::all_of(data, data + bytes, [](char byte) { return byte == 0; }));
        std::memset(block.data(), 0xff, bytes);
      }
    }
  }
}

TEST(ZeroedBlock, TakesPagesWhenTheyAreWritten) {
  constexpr size_t pages = 512;
  const zeroed_block block(pages * page, 64);
  static_cast<char*>(block.data())[10 * page] = 1;
  std::vector<unsigned char> resident(pages);
  ASSERT_EQ(mincore(block.data(), pages * page, resident.data()), 0);
  EXPECT_EQ(std::count_if(resident.begin(), resident.end(), [](unsigned char in) { return (in & 1) != 0; }), 1);
}

}  // namespace
}  // namespace fasterapi::core
