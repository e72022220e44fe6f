#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "shared/journal.h"
#include "shared/patience.h"
#include "shared/robust_lock.h"

namespace fasterapi::shared {

class region;

// A piece of a region that one lock guards: what its holder changes is noted in the journal, and it has memory of its
// own to hand out. A holder's death undoes what that holder had not committed, and nothing else.
struct domain {
  static constexpr size_t size_classes = 32;
  static constexpr size_t largest_block = 8192;  // more than that takes whole pages

  robust_lock lock;
  journal changes;
  std::array<uint64_t, size_classes> free_blocks = {};  // first of each class's list; a free block begins with the next
  uint64_t fresh = 0;                                   // memory that was never handed out: from here…
  uint64_t fresh_end = 0;                               // …to here
  uint64_t next_run_pages = 1;
  uint64_t arriving_fresh = 0;  // runs of pages between the page table and this domain
  uint64_t arriving_large = 0;
  uint64_t leaving = 0;
};

// Holds a domain's lock, changes words and allocates. What was not committed is undone at the end.
//
// Owner: one thread's stack. Waiting for the lock is done without what `patience` gives up.
class domain_holder {
 public:
  domain_holder(const region& in, domain& held, patience& waiting) noexcept;
  ~domain_holder();
  domain_holder(const domain_holder&) = delete;
  domain_holder& operator=(const domain_holder&) = delete;

  void set(uint64_t& word, uint64_t value) noexcept { domain_.changes.set(base_, word, value); }
  void commit() noexcept;
  // Back to the last commit, as the end does it.
  void undo() noexcept { domain_.changes.roll_back(base_); }

  // Memory for `size` bytes, aligned to 16; 0 where the region is full. What is written there needs no note.
  // At most one block above largest_block between two commits.
  uint64_t allocate(size_t size) noexcept;
  // Takes back what allocate(size) gave. Its content must survive until commit(), in case this is undone: so between
  // two commits allocate first, free after that. At most one large block between two commits.
  void free(uint64_t offset, size_t size) noexcept;

 private:
  uint64_t allocate_pages(size_t size) noexcept;
  bool refill() noexcept;
  void send_off() noexcept;

  std::byte* base_;
  domain& domain_;
  const region& region_;
  patience& patience_;
  bool waited_ = false;
};

// How many bytes allocate(size) really takes.
size_t block_bytes(size_t size) noexcept;

}  // namespace fasterapi::shared
