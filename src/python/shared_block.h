#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace fasterapi::python {

// How the items of a block lie in it: C-contiguous, described as the buffer protocol does.
struct block_layout {
  std::string format = "B";
  int64_t item_size = 1;
  std::vector<int64_t> shape;
  bool is_readonly = false;
};

// Memory that more than one interpreter may look at. Counted by block_ref; any thread may let go of it.
class shared_block {
 public:
  shared_block(char* data, size_t size, block_layout layout) noexcept
      : layout_(std::move(layout)), data_(data), size_(size) {}
  shared_block(const shared_block&) = delete;
  shared_block& operator=(const shared_block&) = delete;

  char* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  const block_layout& layout() const noexcept { return layout_; }

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) dispose();
  }

 protected:
  virtual ~shared_block() = default;

 private:
  // Called once, by whichever thread let go last; it may be attached to any interpreter or to none.
  virtual void dispose() noexcept = 0;

  // Constant after construction.
  block_layout layout_;
  char* data_;
  size_t size_;

  std::atomic<uint32_t> references_{1};
};

// One reference to a shared block, or none.
class block_ref {
 public:
  constexpr block_ref() noexcept = default;
  // Takes over the reference that a new block starts with.
  explicit block_ref(shared_block* made) noexcept : block_(made) {}
  block_ref(const block_ref& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->retain();
  }
  block_ref(block_ref&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  block_ref& operator=(block_ref other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~block_ref() {
    if (block_ != nullptr) block_->release();
  }

  shared_block* get() const noexcept { return block_; }
  shared_block* operator->() const noexcept { return block_; }
  // Gives the reference to the caller.
  shared_block* take() noexcept { return std::exchange(block_, nullptr); }

 private:
  shared_block* block_ = nullptr;
};

// A block over memory from malloc, which it owns.
class heap_block final : public shared_block {
 public:
  using shared_block::shared_block;

 private:
  void dispose() noexcept override {
    std::free(data());
    delete this;
  }
};

}  // namespace fasterapi::python
