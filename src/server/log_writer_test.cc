#include "server/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

#include "core/clock.h"
#include "net/descriptor.h"

namespace fasterapi::server {
namespace {

constexpr int64_t patience_ms = 10'000;

class LogWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
    fcntl(writer.get(), F_SETPIPE_SZ, 4096);
  }

  // What comes until `size` bytes are there; fails after ten seconds.
  std::string read(size_t size) {
    std::string text;
    const int64_t deadline = core::coarse_ms() + patience_ms;
    while (text.size() < size && core::coarse_ms() < deadline) {
      pollfd readable{reader.get(), POLLIN, 0};
      if (::poll(&readable, 1, 100) <= 0) continue;
      std::array<char, 4096> piece;
      const ssize_t got = ::read(reader.get(), piece.data(), piece.size());
      if (got > 0) text.append(piece.data(), static_cast<size_t>(got));
    }
    return text;
  }

  net::descriptor reader;
  net::descriptor writer;
};

TEST_F(LogWriterTest, WritesLinesInTheirOrder) {
  log_writer::source source(log_writer::of_process(), 65536, false);
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const std::string line = "line " + std::to_string(i) + '\n';
    EXPECT_EQ(source.write(writer.get(), line), 0U);
    expected += line;
  }
  EXPECT_EQ(read(expected.size()), expected);
}

TEST_F(LogWriterTest, HasWrittenEverythingWhenASourceEnds) {
  {
    log_writer::source source(log_writer::of_process(), 65536, false);
    source.write(writer.get(), "the last words\n");
  }
  pollfd readable{reader.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&readable, 1, 0), 1);
  EXPECT_EQ(read(15), "the last words\n");
}

TEST_F(LogWriterTest, CountsWhatFindsNoRoom) {
  auto source = std::make_unique<log_writer::source>(log_writer::of_process(), 4096, false);
  const std::string line(99, 'x');
  uint64_t dropped = 0;
  uint64_t sent = 0;
  // The pipe takes one page, the ring another.
  while (dropped == 0 && sent < 10'000) {
    dropped += source->write(writer.get(), line + '\n');
    ++sent;
  }
  EXPECT_EQ(dropped, 1U);
  EXPECT_LT(sent, 200U);
  EXPECT_EQ(source->write(writer.get(), std::string(8000, '\n')), 8000U);
  // Those that were taken come out; the two pieces that were not are told of on standard output.
  EXPECT_EQ(read((sent - 1) * 100).size(), (sent - 1) * 100);
  source.reset();
}

}  // namespace
}  // namespace fasterapi::server
