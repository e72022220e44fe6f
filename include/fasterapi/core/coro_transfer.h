#pragma once

#include <coroutine>
#include <type_traits>
#include <utility>

namespace fasterapi::core::coro_detail {

// Symmetric transfer (C++20 [expr.await] 5.1.1) needs no stack when the compiler makes it a tail call. clang always
// does; g++ does where it optimises with -foptimize-sibling-calls (part of -O2, and of this package's flags), but not
// without optimisation and not with sanitizers. There, whoever resumed a coroutine goes on with the next one in a loop.
#if defined(__GNUC__) && !defined(__clang__) && \
    (!defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__))
inline constexpr bool transfers_by_tail_call = false;
#else
inline constexpr bool transfers_by_tail_call = true;
#endif

// What await_suspend() returns in order to hand the thread over.
using transferred = std::conditional_t<transfers_by_tail_call, std::coroutine_handle<>, void>;

// The loop of this thread that goes on with what is handed over, where no tail call does.
class transfer_loop {
 public:
  // Resumes `first`, and whatever that hands over to, until something suspends.
  static void run(std::coroutine_handle<> first) noexcept {
    transfer_loop here;
    transfer_loop* const outer = std::exchange(innermost, &here);
    for (auto next = first; next; next = std::exchange(here.next_, nullptr)) next.resume();
    innermost = outer;
  }
  // Leaves `to` to the loop that resumed the coroutine which hands over; where it was resumed by no loop, or by a call
  // from a coroutine that has handed over already, begins one.
  static void pass(std::coroutine_handle<> to) noexcept {
    if (innermost == nullptr || innermost->next_) {
      run(to);
    } else {
      innermost->next_ = to;
    }
  }

 private:
  static inline thread_local transfer_loop* innermost = nullptr;
  std::coroutine_handle<> next_;
};

// The parameters keep apart what programs compile in either way.
template <typename Transferred = transferred>
Transferred transfer(std::coroutine_handle<> to) noexcept {
  if constexpr (std::is_void_v<Transferred>) {
    transfer_loop::pass(to);
  } else {
    return to;
  }
}

// Resumes a coroutine from code that is none.
template <bool by_tail_call = transfers_by_tail_call>
void resume(std::coroutine_handle<> suspended) noexcept {
  if constexpr (by_tail_call) {
    suspended.resume();
  } else {
    transfer_loop::run(suspended);
  }
}

}  // namespace fasterapi::core::coro_detail
