#include "http/trace_context.h"

#include <gtest/gtest.h>

#include <string>

namespace fasterapi::http {
namespace {

const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string parent = "00f067aa0ba902b7";

TEST(TraceParent, IsReadAsTheSpecificationShowsIt) {
  const std::string text = "00-" + trace + "-" + parent + "-01";
  const auto found = parse_trace_parent(text);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->trace_id, trace);
  EXPECT_EQ(found->parent_id, parent);
  EXPECT_TRUE(found->sampled);
  const std::string unsampled = "00-" + trace + "-" + parent + "-00";
  EXPECT_FALSE(parse_trace_parent(unsampled)->sampled);
  // Other flags mean nothing yet.
  const std::string other_flags = "00-" + trace + "-" + parent + "-fe";
  EXPECT_FALSE(parse_trace_parent(other_flags)->sampled);
}

TEST(TraceParent, OfALaterVersionIsReadAsFarAsItIsKnown) {
  EXPECT_TRUE(parse_trace_parent("01-" + trace + "-" + parent + "-01"));
  EXPECT_TRUE(parse_trace_parent("cc-" + trace + "-" + parent + "-01-what-the-future-will-be-like"));
  EXPECT_FALSE(parse_trace_parent("cc-" + trace + "-" + parent + "-01.what-the-future-will-not-be-like"));
}

TEST(TraceParent, IsRefusedWhereItIsNotValid) {
  const std::string zeros = "0000000000000000";
  for (const std::string& text : {
           std::string(),
           std::string("00"),
           "ff-" + trace + "-" + parent + "-01",
           "0-" + trace + "-" + parent + "-01",
           ".0-" + trace + "-" + parent + "-01",
           "0A-" + trace + "-" + parent + "-01",
           "00-" + trace + "-" + parent + "-01-more",
           "00-" + trace + "-" + parent + "-01-",
           "00-" + trace + "-" + parent + "-0",
           "00-" + trace + "-" + parent + "-.0",
           "00-" + trace + "-" + parent + "-0X",
           "00-" + trace + "-" + parent + "-",
           "00-" + trace + "-" + parent,
           "00-" + zeros + zeros + "-" + parent + "-01",
           "00-" + trace + "-" + zeros + "-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + parent + "-01",
           "00-" + trace + "-00F067AA0BA902B7-01",
           "00-" + trace.substr(1) + "-" + parent + "-01",
           "00-" + trace + "1-" + parent + "-01",
           "00-" + trace + "-" + parent.substr(1) + "-01",
           "00-" + trace.substr(0, 31) + ".-" + parent + "-01",
           "00_" + trace + "_" + parent + "_01",
           " 00-" + trace + "-" + parent + "-01",
       }) {
    EXPECT_FALSE(parse_trace_parent(text)) << text;
  }
}

}  // namespace
}  // namespace fasterapi::http
