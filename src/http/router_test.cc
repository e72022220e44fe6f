#include "http/router.h"

#include <gtest/gtest.h>

namespace fasterapi::http {
namespace {

class RouterTest : public testing::Test {
 protected:
  void add(std::string_view token, std::string_view pattern) {
    auto bit = routes.method_bit(token);
    ASSERT_TRUE(bit.ok());
    auto added = routes.add(bit.value(), pattern, next++);
    ASSERT_TRUE(added.ok()) << added.failure().message;
    last = added.take();
  }
  // The index of the route found, or -1 (no path), -2 (no method).
  int find(std::string_view token, std::string_view path) {
    switch (routes.find(routes.bit_of(method_from(token), token), path, found)) {
      case router::outcome::found:
        return static_cast<int>(found.route);
      case router::outcome::no_path:
        return -1;
      case router::outcome::no_method:
        return -2;
    }
    return -3;
  }
  std::vector<std::string_view> values() {
    return {found.values.begin(), found.values.begin() + found.parameter_count};
  }
  using Values = std::vector<std::string_view>;

  router routes;
  router::match found;
  core::arena memory;
  router::added last;
  uint32_t next = 0;
};

TEST_F(RouterTest, FindsLiteralPaths) {
  add("GET", "/");
  add("GET", "/a/b");
  add("POST", "/a/b");
  EXPECT_EQ(find("GET", "/"), 0);
  EXPECT_EQ(find("GET", "/a/b"), 1);
  EXPECT_EQ(find("POST", "/a/b"), 2);
  EXPECT_EQ(find("GET", "/a"), -1);
  EXPECT_EQ(find("GET", "/a/b/"), -1);
  EXPECT_EQ(find("GET", ""), -1);
}

TEST_F(RouterTest, LiteralBeatsParameterBeatsPath) {
  add("GET", "/files/{p:path}");
  add("GET", "/files/{name}");
  add("GET", "/files/readme");
  EXPECT_EQ(find("GET", "/files/readme"), 2);
  EXPECT_EQ(find("GET", "/files/other"), 1);
  EXPECT_EQ(values(), Values{"other"});
  EXPECT_EQ(find("GET", "/files/a/b"), 0);
  EXPECT_EQ(values(), Values{"a/b"});
  EXPECT_EQ(find("GET", "/files/"), 0);
  EXPECT_EQ(values(), Values{""});
}

TEST_F(RouterTest, BacktracksFromALiteralDeadEnd) {
  add("GET", "/a/b/c");
  add("GET", "/a/{x}/d");
  add("GET", "/{y}/b/e");
  EXPECT_EQ(find("GET", "/a/b/d"), 1);
  EXPECT_EQ(values(), Values{"b"});
  EXPECT_EQ(find("GET", "/a/b/e"), 2);
  EXPECT_EQ(values(), Values{"a"});
}

TEST_F(RouterTest, LooksOnForTheMethodAndCollectsWhatIsAllowed) {
  add("POST", "/users/me");
  add("GET", "/users/{id}");
  add("PUT", "/users/{id}");
  EXPECT_EQ(find("GET", "/users/me"), 1);
  EXPECT_EQ(find("DELETE", "/users/me"), -2);
  EXPECT_EQ(routes.names_of(found.allowed, memory), "GET, POST, PUT");
}

TEST_F(RouterTest, SeveralParametersInOneSegment) {
  add("GET", "/{name}.{extension}");
  add("GET", "/{from}-to-{upto}/{rest}");
  EXPECT_EQ(find("GET", "/archive.tar.gz"), 0);
  EXPECT_EQ(values(), (Values{"archive.tar", "gz"}));
  EXPECT_EQ(find("GET", "/a-to-b-to-c/x"), 1);
  EXPECT_EQ(values(), (Values{"a-to-b", "c", "x"}));
  EXPECT_EQ(find("GET", "/.gz"), -1);
  EXPECT_EQ(find("GET", "/a."), -1);
  EXPECT_EQ(find("GET", "/a.."), 0);
  EXPECT_EQ(values(), (Values{"a", "."}));
}

TEST_F(RouterTest, ConvertersNarrow) {
  add("GET", "/{any}");
  add("GET", "/{n:int}");
  add("GET", "/{f:float}/x");
  add("GET", "/u/{u:uuid}");
  EXPECT_EQ(find("GET", "/12"), 1);
  EXPECT_EQ(find("GET", "/twelve"), 0);
  EXPECT_EQ(find("GET", "/1.5/x"), 2);
  EXPECT_EQ(find("GET", "/1./x"), -1);
  EXPECT_EQ(find("GET", "/u/123e4567-e89b-12d3-a456-426614174000"), 3);
  EXPECT_EQ(find("GET", "/u/123e4567"), -1);
}

TEST_F(RouterTest, PathParameterWithTextAfterIt) {
  add("GET", "/files/{p:path}/meta/{key}");
  EXPECT_EQ(find("GET", "/files/a/b/meta/size"), 0);
  EXPECT_EQ(values(), (Values{"a/b", "size"}));
  EXPECT_EQ(find("GET", "/files/a/b"), -1);
}

TEST_F(RouterTest, RoutesThatDifferInParameterNamesShareAShape) {
  add("GET", "/x/{id}");
  EXPECT_EQ(last.parameters, std::vector<std::string>{"id"});
  add("POST", "/x/{name}");
  EXPECT_EQ(last.parameters, std::vector<std::string>{"name"});
  EXPECT_EQ(find("GET", "/x/1"), 0);
  EXPECT_EQ(find("POST", "/x/1"), 1);
}

TEST_F(RouterTest, TheEarlierOfTwoEqualRoutesWins) {
  add("GET", "/x/{id}");
  EXPECT_EQ(last.shadowed_by, -1);
  add("GET", "/x/{other}");
  EXPECT_EQ(last.shadowed_by, 0);
  EXPECT_EQ(find("GET", "/x/1"), 0);
}

TEST_F(RouterTest, KnowsMethodsOfItsOwn) {
  add("PURGE", "/cache");
  EXPECT_EQ(find("PURGE", "/cache"), 0);
  EXPECT_EQ(find("LINK", "/cache"), -2);
  EXPECT_EQ(routes.names_of(found.allowed, memory), "PURGE");
}

TEST_F(RouterTest, MatchesTailsInBoundedTime) {
  add("GET", "/{a}-{b}-{c}-{d}-{e}-{f}.end");
  EXPECT_EQ(find("GET", "/" + std::string(8000, '-')), -1);
}

TEST_F(RouterTest, RefusesMalformedPatterns) {
  for (std::string_view pattern : {"", "x", "/{", "/}", "/{}", "/{1a}", "/{a}{b}", "/{a}/{a}", "/{a:regex}"}) {
    EXPECT_FALSE(routes.add(1, pattern, 0).ok()) << pattern;
  }
}

}  // namespace
}  // namespace fasterapi::http
