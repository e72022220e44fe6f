#include "fasterapi/core/errc.h"

#include <string>

namespace fasterapi::core {

namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "fasterapi.core"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::cancelled:
        return "cancelled";
      case errc::broken_promise:
        return "the promise was dropped without a result";
      case errc::timed_out:
        return "the deadline has passed";
      case errc::queue_full:
        return "the queue is full";
      case errc::shut_down:
        return "the executor is shut down";
      case errc::invalid_argument:
        return "invalid argument";
    }
    return "unknown error";
  }
};

}  // namespace

std::error_code make_error_code(errc code) noexcept {
  static const category instance;
  return {static_cast<int>(code), instance};
}

}  // namespace fasterapi::core
