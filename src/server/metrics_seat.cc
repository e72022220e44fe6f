#include "server/metrics_seat.h"

#include <utility>

namespace fasterapi::server {

core::result<metrics_seat> metrics_seat::take(int32_t worker, std::span<const std::string> routes) {
  if (std::shared_ptr<metrics_board> board = worker >= 0 ? metrics_board::here() : nullptr) {
    if (metrics_board::place* found = board->take(worker, routes)) return metrics_seat(std::move(board), *found);
  }
  std::shared_ptr<metrics_board> own = TRY(metrics_board::create(1, static_cast<uint32_t>(routes.size())));
  own->close_descriptor();
  metrics_board::place& only = *own->take(worker, routes);
  return metrics_seat(std::move(own), only);
}

metrics_seat::metrics_seat(std::shared_ptr<metrics_board> board, metrics_board::place& place) noexcept
    : board_(std::move(board)), place_(&place), figures_(board_->writer_of(place)) {}

metrics_seat::metrics_seat(metrics_seat&& other) noexcept
    : board_(std::move(other.board_)), place_(std::exchange(other.place_, nullptr)), figures_(other.figures_) {}

metrics_seat& metrics_seat::operator=(metrics_seat&& other) noexcept {
  std::swap(board_, other.board_);
  std::swap(place_, other.place_);
  std::swap(figures_, other.figures_);
  return *this;
}

metrics_seat::~metrics_seat() {
  if (place_ != nullptr) board_->give_back(*place_);
}

}  // namespace fasterapi::server
