#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "server/log_ring.h"

namespace fasterapi::server {

// The thread that writes the log lines of all shards of a process, so that no shard waits for whoever reads them.
//
// Any thread may call any member. Lines of one source stay in order; those of several mix, line by line.
class log_writer {
 private:
  struct lane;

 public:
  // How long a source that ends waits for its lines to be read.
  static constexpr int64_t drain_ms = 1'000;

  // One shard's way to the writer. Owner: the shard; one thread at a time.
  class source {
   public:
    // `bytes`, a power of two, may wait to be written.
    source(log_writer& writer, size_t bytes, bool as_json);
    // Waits until everything is written, though no longer than drain_ms.
    ~source();
    source(const source&) = delete;
    source& operator=(const source&) = delete;

    // Lines, each with its line break, for a descriptor. Returns how many were dropped because nobody reads the others.
    uint64_t write(int to, std::string_view lines) noexcept;

   private:
    log_writer& writer_;
    const std::shared_ptr<lane> lane_;
  };

  // The one of this process. It is never destroyed: at the end of the program it may be waiting for a reader.
  static log_writer& of_process();

  log_writer() = default;
  log_writer(const log_writer&) = delete;
  log_writer& operator=(const log_writer&) = delete;

 private:
  void add(const std::shared_ptr<lane>& opened);
  void ring() noexcept;
  void start() noexcept;
  void turn() noexcept;
  void forget_ended();

  std::atomic<uint32_t> rung_ = 0;
  std::atomic<bool> is_running_ = false;  // from the first source on

  // Guarded by mutex_.
  std::mutex mutex_;
  std::vector<std::shared_ptr<lane>> lanes_;
};

}  // namespace fasterapi::server
