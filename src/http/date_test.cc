#include "http/date.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

namespace fasterapi::http {
namespace {

TEST(DateCache, RendersTheExampleOfTheRfc) {
  date_cache cache;
  EXPECT_EQ(cache.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(cache.at(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(cache.at(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(DateCache, AgreesWithTheCLibraryOnEveryDayOfFourCenturies) {
  date_cache cache;
  for (int64_t day = 0; day < 146100; ++day) {
    const std::time_t second = day * 86400 + day % 86400;
    std::tm parts{};
    gmtime_r(&second, &parts);
    char wanted[64];
    ASSERT_EQ(std::strftime(wanted, sizeof wanted, "%a, %d %b %Y %H:%M:%S GMT", &parts), date_cache::size);
    ASSERT_EQ(cache.at(second), wanted);
  }
}

}  // namespace
}  // namespace fasterapi::http
