#include "server/placement.h"

#include <algorithm>

namespace fasterapi::server {

placement::~placement() { delete[] entries(); }

bool placement::define(std::span<const route_facts> routes) {
  const std::lock_guard lock(mutex_);
  if (entries() != nullptr) {
    const auto is_same = [](const entry& mine, const route_facts& theirs) { return mine.label == theirs.label; };
    return std::equal(entries(), entries() + count_.load(std::memory_order_relaxed), routes.begin(), routes.end(),
                      is_same);
  }
  const auto count = static_cast<uint32_t>(routes.size());  // as they are numbered
  auto* made = new entry[std::max(count, 1U)];
  for (size_t i = 0; i < routes.size(); ++i) {
    const route_facts& facts = routes[i];
    made[i].label = facts.label;
    made[i].moves = facts.run == run_mode::automatic && !facts.is_async;
    const bool pooled = facts.run == run_mode::pooled || made[i].moves;
    made[i].at.store(pooled ? site::pool : site::shard, std::memory_order_relaxed);
  }
  count_.store(routes.size(), std::memory_order_release);
  entries_.store(made, std::memory_order_release);
  return true;
}

uint32_t placement::proof(const entry& of) const noexcept {
  return proof_calls << std::min(of.demotions.load(std::memory_order_relaxed), doublings_max);
}

void placement::ran_in_pool(uint32_t route, int64_t run_ns) noexcept {
  entry& of = entries()[route];
  if (!of.moves || of.at.load(std::memory_order_relaxed) != site::pool) return;
  if (run_ns >= fast_ns) return of.streak.store(0, std::memory_order_relaxed);
  const uint32_t asked = proof(of);
  // Calls that end at the same time on several threads all count; one of them moves the route.
  if (of.streak.fetch_add(1, std::memory_order_relaxed) + 1 < asked) return;
  site expected = site::pool;
  if (!of.at.compare_exchange_strong(expected, site::shard, std::memory_order_relaxed)) return;
  of.streak.store(0, std::memory_order_relaxed);
  record(route, site::shard, cause::proved_fast, run_ns, asked);
}

void placement::demote(uint32_t route, int64_t run_ns) noexcept {
  entry& of = entries()[route];
  if (!of.moves) return;
  site expected = site::shard;
  if (!of.at.compare_exchange_strong(expected, site::pool, std::memory_order_relaxed)) return;
  of.demotions.fetch_add(1, std::memory_order_relaxed);
  // Calls of before the move may still end in the pool: they do not count for the next proof.
  of.streak.store(0, std::memory_order_relaxed);
  record(route, site::pool, cause::ran_slow, run_ns, proof(of));
}

void placement::record(uint32_t route, site to, cause why, int64_t run_ns, uint32_t calls) noexcept {
  const std::lock_guard lock(mutex_);
  const site from = to == site::shard ? site::pool : site::shard;
  moves_.push_back({route, from, to, why, run_ns, clock_(), calls});
  if (moves_.size() > moves_max) moves_.pop_front();
  moves_made_.fetch_add(1, std::memory_order_relaxed);
  if (moved_) moved_(moves_.back(), entries()[route].label);
}

std::vector<placement::move> placement::moves() const {
  const std::lock_guard lock(mutex_);
  return {moves_.begin(), moves_.end()};
}

}  // namespace fasterapi::server
