#pragma once

#include <cassert>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include "fasterapi/core/errc.h"

namespace fasterapi::core {

// Why an operation failed.
struct error {
  std::error_code code;  // std::errc where the system refused, else of the module's own enum: core::errc, python::errc
  std::string message = {};  // one sentence for people
  std::string detail = {};   // what else there is to tell, in lines: the traceback of a Python exception
};

// An error that has no more to say than its code.
error plain_error(std::error_code code);

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
  E& failure() & noexcept { return *checked<1>(); }
  const E& failure() const& noexcept { return *std::get_if<1>(&state_); }
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

// TRY for coroutines: declares `declaration` as the value, or ends the coroutine with the error.
//   CO_TRY(auto page, co_await fetch(url));
#define CO_TRY(declaration, expression) \
  FASTERAPI_CO_TRY(declaration, expression, FASTERAPI_JOIN(co_try_result_, __COUNTER__))
#define FASTERAPI_CO_TRY(declaration, expression, name) \
  auto name = (expression);                             \
  if (!name.ok()) co_return name.take_failure();        \
  declaration = name.take()
#define FASTERAPI_JOIN(left, right) FASTERAPI_JOIN_AGAIN(left, right)
#define FASTERAPI_JOIN_AGAIN(left, right) left##right
