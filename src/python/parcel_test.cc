#include "python/parcel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "fasterapi/python/errc.h"

namespace fasterapi::python {
namespace {

value round_trip(const value& sent) {
  auto made = parcel::of(sent);
  EXPECT_TRUE(made.ok()) << made.failure().message;
  const parcel moved = made.take();
  auto read = moved.read();
  EXPECT_TRUE(read.ok()) << read.failure().message;
  return read.take();
}

TEST(Parcel, BringsEveryKindOfValue) {
  const value all = value::list({value(), true, false, 0, -128, 127, 128, INT64_MIN, 1.5, "", "gr\xc3\xbc\xc3\x9f",
                                 "\xed\xa0\x80", value::bytes(std::string("\0\xff", 2)), value::tuple({}),
                                 value::big_integer("-123456789012345678901234567890"),
                                 value::dict({{"a", value::tuple({1, 2})}, {3, value::list({})}})});
  EXPECT_EQ(round_trip(all), all);
}

TEST(Parcel, BringsWhatDoesNotFitInline) {
  const value text = std::string(100'000, 'x');
  EXPECT_EQ(round_trip(text), text);
  EXPECT_EQ(round_trip(value::list({text, text})), value::list({text, text}));
}

TEST(Parcel, HoldsNoneWhenEmpty) { EXPECT_TRUE(parcel().read().value().is_null()); }

TEST(Parcel, RefusesWhatIsNoText) {
  for (const char* text : {"\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xf5\x80\x80\x80", "a\xe2\x82"}) {
    auto made = parcel::of(text);
    ASSERT_FALSE(made.ok()) << text;
    EXPECT_EQ(made.failure().code, errc::not_plain);
  }
  EXPECT_FALSE(parcel::of(value::big_integer("12x")).ok());
}

TEST(Parcel, RefusesDepthWithoutEnd) {
  value deep;
  for (int i = 0; i < parcel_depth_max; ++i) deep = value::list({deep});
  EXPECT_TRUE(parcel::of(deep).ok());
  EXPECT_FALSE(parcel::of(value::list({deep})).ok());
}

TEST(Parcel, ReadsNumbersAsPythonWritesThem) {
  parcel made;
  const unsigned char minus_2_to_64[] = {0, 0, 0, 0, 0, 0, 0, 0, 0xff};
  made.put_sized(parcel_tag::big_integer, sizeof minus_2_to_64, minus_2_to_64, sizeof minus_2_to_64);
  EXPECT_EQ(made.read().value(), value::big_integer("-18446744073709551616"));
}

TEST(Parcel, ReadsTextOfEveryWidth) {
  parcel made;
  const char16_t wide[] = {u'a', 0x20ac, 0xd800};
  made.put_sized(parcel_tag::ucs2, 3, wide, sizeof wide);
  EXPECT_EQ(made.read().value().text(), "a\xe2\x82\xac\xed\xa0\x80");
}

TEST(Parcel, HandsBlocksOnAndFreesThemWithTheLastOne) {
  block_ref kept;
  {
    parcel made;
    auto* memory = static_cast<char*>(std::malloc(3));
    std::copy_n("abc", 3, memory);
    made.put(parcel_tag::view);
    made.put_size(made.add(block_ref(new heap_block(memory, 3, {.shape = {3}}))));
    const parcel moved = std::move(made);
    EXPECT_EQ(moved.read().value(), value::bytes("abc"));
    kept = moved.blocks().front();
  }
  EXPECT_EQ(std::string(kept->data(), kept->size()), "abc");
}

}  // namespace
}  // namespace fasterapi::python
