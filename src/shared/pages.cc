#include "shared/pages.h"

#include <sys/mman.h>

#include <algorithm>

namespace fasterapi::shared {

namespace {

// The word of a run's first page; those of its other pages mean nothing.
constexpr uint64_t free_run(uint64_t pages) noexcept { return pages << 1 | 1; }
constexpr uint64_t taken_run(uint64_t pages) noexcept { return pages << 1; }
constexpr bool is_free(uint64_t run) noexcept { return (run & 1) != 0; }
constexpr uint64_t length(uint64_t run) noexcept { return run >> 1; }

// Runs from this size on go back to the system at once.
constexpr uint64_t forget_from_pages = 16;

}  // namespace

class page_table::holder {
 public:
  holder(page_table& table, std::byte* base) noexcept : table_(table) {
    if (table_.lock_.lock() != robust_lock::outcome::inherited) return;
    table_.journal_.roll_back(base);
    table_.lock_.mark_repaired();
  }
  ~holder() { table_.lock_.unlock(); }
  holder(const holder&) = delete;
  holder& operator=(const holder&) = delete;

 private:
  page_table& table_;
};

page_table::page_table(uint64_t* runs, std::byte* base, uint64_t first, uint64_t count) noexcept
    : runs_offset_(static_cast<uint64_t>(reinterpret_cast<std::byte*>(runs) - base)),
      first_(first),
      count_(count),
      lowest_free_(first) {
  runs[first] = free_run(count - first);
}

bool page_table::take(std::byte* base, uint64_t pages, uint64_t& slot) noexcept {
  const holder held(*this, base);
  auto* runs = reinterpret_cast<uint64_t*>(base + runs_offset_);
  bool none_free_before = true;
  for (uint64_t at = lowest_free_; at < count_; at += length(runs[at])) {
    if (!is_free(runs[at])) continue;
    // Each of these stores leaves a valid table behind.
    for (uint64_t next = at + length(runs[at]); next < count_ && is_free(runs[next]); next = at + length(runs[at])) {
      runs[at] = free_run(length(runs[at]) + length(runs[next]));
    }
    const uint64_t left = length(runs[at]);
    if (left >= pages) {
      if (left > pages) runs[at + pages] = free_run(left - pages);
      journal_.set(base, runs[at], taken_run(pages));
      journal_.set(base, slot, at * page_bytes);
      journal_.commit();
      if (none_free_before) lowest_free_ = at + pages;
      return true;
    }
    none_free_before = false;
  }
  return false;
}

void page_table::give(std::byte* base, uint64_t& slot) noexcept {
  const holder held(*this, base);
  auto* runs = reinterpret_cast<uint64_t*>(base + runs_offset_);
  const uint64_t at = slot / page_bytes;
  const uint64_t pages = length(runs[at]);
  if (pages >= forget_from_pages) madvise(base + slot, pages * page_bytes, MADV_REMOVE);
  lowest_free_ = std::min(lowest_free_, at);
  journal_.set(base, runs[at], free_run(pages));
  journal_.set(base, slot, 0);
  journal_.commit();
}

void page_table::settle(std::byte* base) noexcept { const holder held(*this, base); }

uint64_t page_table::length_of(std::byte* base, uint64_t offset) const noexcept {
  const auto* runs = reinterpret_cast<const uint64_t*>(base + runs_offset_);
  return length(runs[offset / page_bytes]) * page_bytes;
}

uint64_t page_table::used(std::byte* base) noexcept {
  const holder held(*this, base);
  const auto* runs = reinterpret_cast<const uint64_t*>(base + runs_offset_);
  uint64_t free_pages = 0;
  for (uint64_t at = first_; at < count_; at += length(runs[at]))
    free_pages += is_free(runs[at]) ? length(runs[at]) : 0;
  return count_ - free_pages;
}

}  // namespace fasterapi::shared
