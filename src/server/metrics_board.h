#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fasterapi/core/result.h"
#include "net/descriptor.h"
#include "server/metrics.h"

namespace fasterapi::server {

// Where the shards of one server keep their figures: a memory file with a place for each of them, which every process
// of the server maps. Figures outlive the shard and the process that wrote them, and go on in the shard that follows.
//
// Any thread of any process may read at any time. Pages of routes that were never asked for take no memory.
class metrics_board {
 public:
  // Who has a place, and its figures.
  struct place {
    enum state : uint32_t { empty, changing, live, ended };

    std::atomic<uint32_t> at;
    std::atomic<int32_t> worker;   // its index
    std::atomic<int32_t> process;  // of the last shard
    std::atomic<uint32_t> shards;  // how many have had the place, one after the other
    std::atomic<uint32_t> route_count;
    std::atomic<uint64_t> fingerprint;  // of the routes
    std::atomic<int64_t> since_ns;      // core::monotonic_ns() when the last shard took it
    shard_counts counts;
  };

  // One with room for `places` shards at a time and `routes` routes each.
  static core::result<std::shared_ptr<metrics_board>> create(uint32_t places, uint32_t routes);
  // Maps the board of an inherited descriptor, which it owns from then on.
  static core::result<std::shared_ptr<metrics_board>> attach(int descriptor);
  ~metrics_board();
  metrics_board(const metrics_board&) = delete;
  metrics_board& operator=(const metrics_board&) = delete;

  // The board of this process's server; null where none was made. The one that is set stays while shards use it.
  static std::shared_ptr<metrics_board> here();
  static void set_here(std::shared_ptr<metrics_board> board);

  // For handing the board to a child process.
  int descriptor() const noexcept { return file_.get(); }
  // Where no other process will want it.
  void close_descriptor() noexcept { file_.reset(); }
  int64_t created_ns() const noexcept;
  int32_t creator() const noexcept;  // the process

  // ---- writing

  // Takes a place for a shard of the worker `worker` whose routes have these names: that of a worker's earlier shard
  // that has ended, if its routes were the same. Null where every place is taken.
  place* take(int32_t worker, std::span<const std::string> routes) noexcept;
  void give_back(place& taken) noexcept;
  metrics writer_of(place& taken) noexcept;

  // ---- reading

  uint32_t places() const noexcept;
  // Null for a place that no shard ever had.
  const place* at(uint32_t index) const noexcept;
  // Routes of a place, the last of which stands for no route.
  uint32_t routes_of(const place& of) const noexcept { return of.route_count.load(std::memory_order_acquire); }
  const route_counts& route(const place& of, uint32_t index) const noexcept;
  const core::latency_histogram& latency(const place& of, uint32_t index) const noexcept;
  std::string name(const place& of, uint32_t index) const;

 private:
  struct head;

  metrics_board(std::byte* base, size_t bytes, net::descriptor file) noexcept;
  static core::result<std::shared_ptr<metrics_board>> map(net::descriptor file, size_t bytes);

  const head& top() const noexcept;
  std::byte* start_of(uint32_t index) const noexcept;
  route_counts* routes_at(const place& of) const noexcept;
  core::latency_histogram* latencies_at(const place& of) const noexcept;
  shared_text* names_at(const place& of) const noexcept;
  bool claim(place& wanted, uint32_t from) noexcept;
  void furnish(place& taken, int32_t worker, std::span<const std::string> routes, uint64_t fingerprint) noexcept;

  std::byte* base_;
  size_t bytes_;
  net::descriptor file_;
};

}  // namespace fasterapi::server
