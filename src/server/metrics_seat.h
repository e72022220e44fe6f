#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fasterapi/core/result.h"
#include "server/metrics_board.h"

namespace fasterapi::server {

// A shard's place on a board, which it gives back when it goes. Moves, does not copy.
class metrics_seat {
 public:
  metrics_seat() noexcept = default;
  // On the board of this process's server; where there is none, or no place on it, on a board of its own. `worker` is
  // -1 for a shard that is no worker's.
  static core::result<metrics_seat> take(int32_t worker, std::span<const std::string> routes);
  metrics_seat(metrics_seat&& other) noexcept;
  metrics_seat& operator=(metrics_seat&& other) noexcept;
  ~metrics_seat();

  metrics& figures() noexcept { return figures_; }
  shard_counts& counts() const noexcept { return figures_.counts(); }

 private:
  metrics_seat(std::shared_ptr<metrics_board> board, metrics_board::place& place) noexcept;

  std::shared_ptr<metrics_board> board_;
  metrics_board::place* place_ = nullptr;
  metrics figures_;
};

}  // namespace fasterapi::server
