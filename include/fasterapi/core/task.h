#pragma once

#include <cassert>
#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace fasterapi::core {

// Something to be called without arguments, that it owns: a move-only std::function<void()>. A callable of up to
// `inline_size` bytes, that moves without failing and is aligned as a pointer is, lies in the task itself and costs no
// allocation. A task is one cache line.
//
// Threads: none of its own; a task belongs to whoever holds it. Calling an empty one is a bug.
class task {
 public:
  static constexpr size_t inline_size = 56;

  template <typename F>
  static constexpr bool fits_inline = sizeof(F) <= inline_size &&
                                      alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;

  task() noexcept = default;
  template <typename F>
  requires(!std::same_as<std::remove_cvref_t<F>, task> && std::is_invocable_v<std::decay_t<F>&>)
      task(F&& callable) {  // NOLINT(google-explicit-constructor): a callable is a task
    using callable_type = std::decay_t<F>;
    if constexpr (fits_inline<callable_type>) {
      ::new (static_cast<void*>(storage_)) callable_type(std::forward<F>(callable));
      kind_ = &inline_kind<callable_type>;
    } else {
      ::new (static_cast<void*>(storage_)) callable_type*(new callable_type(std::forward<F>(callable)));
      kind_ = &allocated_kind<callable_type>;
    }
  }
  task(task&& other) noexcept : kind_(std::exchange(other.kind_, nullptr)) {
    if (kind_ != nullptr) kind_->relocate(storage_, other.storage_);
  }
  task& operator=(task&& other) noexcept {
    if (this == &other) return *this;
    reset();
    kind_ = std::exchange(other.kind_, nullptr);
    if (kind_ != nullptr) kind_->relocate(storage_, other.storage_);
    return *this;
  }
  task(const task&) = delete;
  task& operator=(const task&) = delete;
  ~task() { reset(); }

  explicit operator bool() const noexcept { return kind_ != nullptr; }
  void operator()() {
    assert(kind_ != nullptr);
    kind_->call(storage_);
  }
  // Destroys the callable and what it holds.
  void reset() noexcept {
    if (const kind* held = std::exchange(kind_, nullptr)) held->destroy(storage_);
  }

 private:
  struct kind {
    void (*call)(void* storage);
    void (*relocate)(void* to, void* from) noexcept;  // moves to raw storage; nothing is left in `from`
    void (*destroy)(void* storage) noexcept;
  };

  template <typename F>
  static F& held(void* storage) noexcept {
    return *std::launder(static_cast<F*>(storage));
  }

  template <typename F>
  static constexpr kind inline_kind = {
      [](void* storage) { static_cast<void>(held<F>(storage)()); },
      [](void* to, void* from) noexcept {
        ::new (to) F(std::move(held<F>(from)));
        held<F>(from).~F();
      },
      [](void* storage) noexcept { held<F>(storage).~F(); },
  };
  template <typename F>
  static constexpr kind allocated_kind = {
      [](void* storage) { static_cast<void>((*held<F*>(storage))()); },
      [](void* to, void* from) noexcept { ::new (to) F*(held<F*>(from)); },
      [](void* storage) noexcept { delete held<F*>(storage); },
  };

  const kind* kind_ = nullptr;
  alignas(void*) std::byte storage_[inline_size];
};

}  // namespace fasterapi::core
