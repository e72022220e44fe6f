#include "core/model/memory.h"

#include <algorithm>

namespace fasterapi::core::model {

namespace {

// How often one thread may be given the same old store: it becomes visible some day, and loops end.
constexpr uint8_t old_reads_max = 1;

bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}

bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

}  // namespace

void memory::begin() {
  threads_.fill({});
  atomics_used_ = 0;
  plains_.clear();
  fault_ = nullptr;
}

void memory::start_thread(size_t thread, size_t parent) {
  step(parent);
  threads_[thread].happened.join(threads_[parent].happened);
  threads_[thread].seen.join(threads_[parent].happened);
}

void memory::end_thread(size_t thread, size_t parent) {
  threads_[parent].happened.join(threads_[thread].happened);
  threads_[parent].seen.join(threads_[thread].happened);
}

void memory::catch_up(size_t thread) {
  for (const thread_knowledge& other : threads_) threads_[thread].seen.join(other.happened);
}

void memory::show(size_t from, size_t to) { threads_[to].seen.join(threads_[from].happened); }

bool memory::behind(size_t thread) const {
  for (size_t other = 0; other < threads_max; ++other) {
    if (threads_[other].last_store > threads_[thread].seen[other]) return true;
  }
  return false;
}

uint32_t memory::step(size_t thread) {
  thread_knowledge& mine = threads_[thread];
  return mine.seen[thread] = ++mine.happened[thread];
}

memory::atomic_place& memory::make_atomic(const void* address) {
  const auto end = atomics_.begin() + static_cast<std::ptrdiff_t>(atomics_used_);
  auto place = std::find_if(atomics_.begin(), end, [&](const atomic_place& one) { return one.address == address; });
  if (place == end) {
    if (atomics_used_ == atomics_.size()) atomics_.emplace_back();
    place = atomics_.begin() + static_cast<std::ptrdiff_t>(atomics_used_++);
  }
  place->address = address;
  place->alive = true;
  place->creator = 0;
  place->created = 0;
  place->used = {};
  place->stores.clear();
  return *place;
}

memory::atomic_place& memory::at(const void* address, size_t thread, uint64_t initial) {
  const auto end = atomics_.begin() + static_cast<std::ptrdiff_t>(atomics_used_);
  const auto found =
      std::find_if(atomics_.begin(), end, [&](const atomic_place& one) { return one.address == address; });
  if (found == end) {
    atomic_place& made = make_atomic(address);
    made.stores.push_back({.value = initial});
    return made;
  }
  if (!found->alive) fail("an atomic is used after its destruction");
  if (threads_[thread].happened[found->creator] < found->created) {
    fail("an atomic is used before its construction is known to have ended");
  }
  return *found;
}

void memory::create(const void* address, size_t thread, uint64_t initial) {
  atomic_place& place = make_atomic(address);
  place.creator = thread;
  place.created = step(thread);
  place.stores.push_back({.value = initial});
  place.stores.back().first_seen[thread] = place.created;
}

void memory::destroy(const void* address, size_t thread) {
  atomic_place& place = at(address, thread);
  if (!threads_[thread].happened.covers(place.used)) fail("an atomic is destroyed while another thread may use it");
  place.alive = false;
}

bool memory::seen_by(const made_store& one, size_t thread) const {
  for (size_t other = 0; other < threads_max; ++other) {
    if (one.first_seen[other] != 0 && one.first_seen[other] <= threads_[thread].seen[other]) return true;
  }
  return false;
}

size_t memory::readable(const void* address, size_t thread, std::memory_order order, uint64_t initial) {
  const atomic_place& place = at(address, thread, initial);
  size_t count = 1;
  for (size_t i = place.stores.size() - 1; i > 0; --i) {
    const made_store& newer = place.stores[i];
    const bool hides_older = seen_by(newer, thread) || (order == std::memory_order_seq_cst && newer.sequential);
    if (hides_older || place.stores[i - 1].old_reads[thread] >= old_reads_max) break;
    ++count;
  }
  return count;
}

void memory::learn(const made_store& one, size_t thread, std::memory_order order) {
  if (!acquires(order)) return;
  threads_[thread].happened.join(one.released);
  threads_[thread].seen.join(one.released);
}

uint64_t memory::load(const void* address, size_t thread, std::memory_order order, size_t age) {
  atomic_place& place = at(address, thread);
  made_store& one = place.stores[place.stores.size() - 1 - age];
  const uint32_t now = step(thread);
  place.used[thread] = now;
  if (one.first_seen[thread] == 0) one.first_seen[thread] = now;
  if (age > 0) ++one.old_reads[thread];
  learn(one, thread, order);
  return one.value;
}

uint64_t memory::newest(const void* address, size_t thread, uint64_t initial) {
  return at(address, thread, initial).stores.back().value;
}

void memory::add_store(atomic_place& place, size_t thread, std::memory_order order, uint64_t value, bool continues) {
  const uint32_t now = step(thread);
  place.used[thread] = now;
  threads_[thread].last_store = now;
  made_store made{.value = value, .sequential = order == std::memory_order_seq_cst};
  made.first_seen[thread] = now;
  if (continues) made.released = place.stores.back().released;
  if (releases(order)) made.released.join(threads_[thread].happened);
  place.stores.push_back(made);
}

void memory::store(const void* address, size_t thread, std::memory_order order, uint64_t value, uint64_t initial) {
  add_store(at(address, thread, initial), thread, order, value, false);
}

void memory::update(const void* address, size_t thread, std::memory_order order, uint64_t value) {
  add_store(at(address, thread), thread, order, value, true);
}

memory::plain_place& memory::plain_at(const void* address) {
  for (plain_place& place : plains_) {
    if (place.address == address) return place;
  }
  return plains_.emplace_back(plain_place{.address = address, .alive = false, .writer = 0, .written = 0, .read = {}});
}

void memory::read(const void* address, size_t thread) {
  plain_place& place = plain_at(address);
  if (!place.alive) fail("an object is read that is not there");
  if (threads_[thread].happened[place.writer] < place.written) fail("data race: a read beside a write");
  place.read[thread] = step(thread);
}

void memory::check_write(plain_place& place, size_t thread) {
  if (threads_[thread].happened[place.writer] < place.written) fail("data race: two writes");
  if (!threads_[thread].happened.covers(place.read)) fail("data race: a write beside a read");
  place.writer = thread;
  place.written = step(thread);
}

void memory::write(const void* address, size_t thread) {
  plain_place& place = plain_at(address);
  if (!place.alive) fail("an object is written that is not there");
  check_write(place, thread);
}

void memory::begin_life(const void* address, size_t thread, bool fresh) {
  plain_place& place = plain_at(address);
  if (fresh) place = {.address = address, .alive = false, .writer = 0, .written = 0, .read = {}};
  if (place.alive) fail("an object is made where there is one");
  check_write(place, thread);
  place.alive = true;
}

void memory::end_life(const void* address, size_t thread) {
  write(address, thread);
  plain_at(address).alive = false;
}

}  // namespace fasterapi::core::model
