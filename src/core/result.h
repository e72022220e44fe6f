#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace fasterapi::core {

// Why an operation failed. `code` is an errno value where the system refused, else a code of the module's own enum.
struct error {
  int code = 0;
  std::string message;
};

// An error from errno, with what was being done: "bind 127.0.0.1:8000: Address already in use".
error system_error(int code, std::string doing);

struct nothing {};

// A value or an error: the only way in which the engine's functions fail (there are no exceptions).
// Asking for the side that is not there is a bug and stops the program.
template <typename T = nothing, typename E = error>
class [[nodiscard]] result {
 public:
  // Implicit, so that a function returns either as it is. NOLINTNEXTLINE(google-explicit-constructor)
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  result(E failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  T& value() & noexcept { return *checked<0>(); }
  const T& value() const& noexcept { return *std::get_if<0>(&state_); }
  T&& take() noexcept { return std::move(*checked<0>()); }
  E& failure() noexcept { return *checked<1>(); }
  E&& take_failure() noexcept { return std::move(*checked<1>()); }

 private:
  template <size_t Index>
  auto* checked() noexcept {
    auto* side = std::get_if<Index>(&state_);
    assert(side != nullptr);
    return side;
  }

  std::variant<T, E> state_;
};

}  // namespace fasterapi::core

// The value of a result, or an early return of its error from the enclosing function.
#define TRY(expression)                                       \
  ({                                                          \
    auto&& try_result_ = (expression);                        \
    if (!try_result_.ok()) return try_result_.take_failure(); \
    try_result_.take();                                       \
  })
