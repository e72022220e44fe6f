#include "shared/domain.h"

#include <algorithm>
#include <bit>

#include "shared/region.h"

namespace fasterapi::shared {

namespace {

constexpr size_t grain = 16;
constexpr uint64_t most_fresh_pages = 16;
constexpr int tries_before_waiting = 64;

// Classes: 16, 32 … 128, then four for each doubling.
constexpr size_t class_bytes(size_t index) noexcept {
  if (index < 8) return (index + 1) * grain;
  const size_t doubling = (index - 8) / 4;
  const size_t quarter = (index - 8) % 4 + 1;
  return (size_t{128} << doubling) + quarter * (size_t{32} << doubling);
}
static_assert(class_bytes(domain::size_classes - 1) == domain::largest_block);

constexpr size_t class_of(size_t size) noexcept {
  if (size <= 128) return size == 0 ? 0 : (size - 1) / grain;
  const auto doubling = static_cast<size_t>(std::bit_width(size - 1)) - 8;
  return 8 + doubling * 4 + ((size - 1 - (size_t{128} << doubling)) >> (doubling + 5));
}
static_assert(class_of(129) == 8 && class_of(160) == 8 && class_of(161) == 9 && class_of(256) == 11);
static_assert(class_of(257) == 12 && class_of(domain::largest_block) == domain::size_classes - 1);

constexpr uint64_t pages_for(size_t size) noexcept {
  return (size + page_table::page_bytes - 1) / page_table::page_bytes;
}

inline void breathe() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

robust_lock::outcome try_for_a_while(robust_lock& lock) noexcept {
  for (int i = 0; i < tries_before_waiting; ++i) {
    const robust_lock::outcome outcome = lock.try_lock();
    if (outcome != robust_lock::outcome::busy) return outcome;
    breathe();
  }
  return robust_lock::outcome::busy;
}

}  // namespace

size_t block_bytes(size_t size) noexcept {
  return size <= domain::largest_block ? class_bytes(class_of(size)) : pages_for(size) * page_table::page_bytes;
}

domain_holder::domain_holder(const region& in, domain& held, patience& waiting) noexcept
    : base_(in.base()), domain_(held), region_(in), patience_(waiting) {
  robust_lock::outcome outcome = try_for_a_while(domain_.lock);
  if (outcome == robust_lock::outcome::busy) {
    patience_.give_up();
    waited_ = true;
    outcome = domain_.lock.lock();
  }
  if (outcome == robust_lock::outcome::inherited) {
    region_.header().pages.settle(base_);
    domain_.changes.roll_back(base_);
    domain_.lock.mark_repaired();
  }
  send_off();
}

domain_holder::~domain_holder() {
  undo();
  domain_.lock.unlock();
  if (waited_) patience_.take_back();
}

void domain_holder::commit() noexcept {
  domain_.changes.commit();
  send_off();
}

// A run that left with the last commit goes back to the table. Where a death kept it here, the next holder sends it.
void domain_holder::send_off() noexcept {
  if (domain_.leaving != 0) region_.header().pages.give(base_, domain_.leaving);
}

uint64_t domain_holder::allocate(size_t size) noexcept {
  if (size > domain::largest_block) return allocate_pages(size);
  const size_t which = class_of(size);
  const size_t bytes = class_bytes(which);
  if (const uint64_t block = domain_.free_blocks[which]; block != 0) {
    // The caller will write over the link to the next block: note it, or it could not be put back.
    auto& next = region_.at<uint64_t>(block);
    set(next, next);
    set(domain_.free_blocks[which], next);
    return block;
  }
  if (domain_.fresh_end - domain_.fresh < bytes && !refill()) return 0;
  const uint64_t block = domain_.fresh;
  set(domain_.fresh, block + bytes);
  return block;
}

uint64_t domain_holder::allocate_pages(size_t size) noexcept {
  // One that arrived for a holder that died or gave up, and that has the wrong length, goes back first.
  if (domain_.arriving_large != 0) region_.header().pages.give(base_, domain_.arriving_large);
  if (!region_.header().pages.take(base_, pages_for(size), domain_.arriving_large)) return 0;
  const uint64_t run = domain_.arriving_large;
  set(domain_.arriving_large, 0);
  return run;
}

// Gets a new run of pages to cut blocks from; what is left of the last one becomes a free block.
bool domain_holder::refill() noexcept {
  page_table& pages = region_.header().pages;
  uint64_t wanted = domain_.next_run_pages;
  if (domain_.arriving_fresh == 0 && !pages.take(base_, wanted, domain_.arriving_fresh)) {
    wanted = 1;
    if (!pages.take(base_, wanted, domain_.arriving_fresh)) return false;
  }
  const uint64_t left = domain_.fresh_end - domain_.fresh;
  if (left >= grain) {
    size_t which = class_of(std::min<uint64_t>(left, domain::largest_block));
    if (class_bytes(which) > left) --which;
    set(region_.at<uint64_t>(domain_.fresh), domain_.free_blocks[which]);
    set(domain_.free_blocks[which], domain_.fresh);
  }
  const uint64_t run = domain_.arriving_fresh;
  set(domain_.fresh, run);
  set(domain_.fresh_end, run + pages.length_of(base_, run));
  set(domain_.arriving_fresh, 0);
  set(domain_.next_run_pages, std::min(most_fresh_pages, wanted * 2));
  return true;
}

void domain_holder::free(uint64_t offset, size_t size) noexcept {
  if (size > domain::largest_block) {
    set(domain_.leaving, offset);
    return;
  }
  const size_t which = class_of(size);
  set(region_.at<uint64_t>(offset), domain_.free_blocks[which]);
  set(domain_.free_blocks[which], offset);
}

}  // namespace fasterapi::shared
