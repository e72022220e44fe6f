#pragma once

#include <optional>
#include <vector>

#include "core/intrusive_list.h"
#include "fasterapi/core/cancel.h"
#include "fasterapi/server/request.h"
#include "server/call.h"

namespace fasterapi::server {

struct exchange_tag {};

// A request whose handler is a coroutine, from its start to its answer.
//
// Owner: the reactor, which takes it from a pool, on its thread.
class exchange : public core::list_link<exchange_tag> {
 public:
  void reset() noexcept {
    of = nullptr;
    starting = answered = cancelled_ = false;
    source_.reset();
  }

  // A token that cancel() fires.
  core::cancel_token token() {
    if (!source_) source_.emplace();
    if (cancelled_) source_->cancel();
    return source_->token();
  }
  // The answer is not wanted any more: who is to be told of it is added to `sources`. Telling them may end this and
  // other exchanges.
  void cancel(std::vector<core::cancel_source>& sources) {
    cancelled_ = true;
    if (source_) sources.push_back(*source_);
  }

  exchange* pool_next = nullptr;
  call* of = nullptr;
  bool starting = false;  // the handler has not returned to the reactor yet
  bool answered = false;  // … and answered meanwhile
  request shown;

 private:
  bool cancelled_ = false;
  std::optional<core::cancel_source> source_;  // once somebody asked for a token
};

}  // namespace fasterapi::server
