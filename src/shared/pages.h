#pragma once

#include <cstddef>
#include <cstdint>

#include "shared/journal.h"
#include "shared/robust_lock.h"

namespace fasterapi::shared {

// The pages of a region, handed out in runs, first fit; neighbouring free runs become one. Lives in shared memory.
//
// A run changes hands together with the word that names its owner (`slot`: offset of the run, or 0), in one step that
// a death does not split: so no run is lost or given twice. Any thread of any process may call it; it locks itself.
class page_table {
 public:
  static constexpr size_t page_bytes = size_t{16} * 1024;

  // For pages [first, count) of the region; those before `first` are taken. `runs` has `count` words, all zero.
  page_table(uint64_t* runs, std::byte* base, uint64_t first, uint64_t count) noexcept;

  // Takes `pages` pages and writes their offset to `slot`, which was 0. False where no run is long enough.
  bool take(std::byte* base, uint64_t pages, uint64_t& slot) noexcept;
  // Gives the run in `slot` back, and writes 0 there. Its content is forgotten.
  void give(std::byte* base, uint64_t& slot) noexcept;
  // Undoes what a dead holder left half done. For whoever inherits a domain, before anything else: the dead may have
  // been taking a run for it.
  void settle(std::byte* base) noexcept;
  // Bytes of the run at `offset`, for its owner.
  uint64_t length_of(std::byte* base, uint64_t offset) const noexcept;
  // How many pages are handed out.
  uint64_t used(std::byte* base) noexcept;

 private:
  class holder;

  robust_lock lock_;
  journal journal_;
  uint64_t runs_offset_;
  uint64_t first_;
  uint64_t count_;
  uint64_t lowest_free_;  // no free run begins before this page, where a run begins
};

}  // namespace fasterapi::shared
