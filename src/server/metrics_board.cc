#include "server/metrics_board.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>

#include "core/clock.h"

namespace fasterapi::server {

namespace {

constexpr uint64_t board_magic = 0x6661'7374'6572'0001;
constexpr size_t page_bytes = 4096;

constexpr size_t in_pages(size_t bytes) noexcept { return (bytes + page_bytes - 1) / page_bytes * page_bytes; }

// FNV-1a over the names and their ends.
uint64_t fingerprint_of(std::span<const std::string> names) noexcept {
  uint64_t hash = 0xCBF2'9CE4'8422'2325;
  const auto add = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100'0000'01B3; };
  for (const std::string& name : names) {
    for (const char c : name) add(static_cast<unsigned char>(c));
    add(0);
  }
  return hash;
}

bool is_gone(int32_t process) noexcept { return ::kill(process, 0) != 0 && errno == ESRCH; }

struct current {
  std::mutex mutex;
  std::shared_ptr<metrics_board> board;  // guarded by mutex
};

current& of_process() {
  // Never destroyed: threads may outlive the program's static objects.
  static auto& kept = *new current;
  return kept;
}

}  // namespace

// What lies at the beginning of the file; the places follow from the next page on.
struct metrics_board::head {
  uint64_t magic;
  uint32_t places;
  uint32_t routes;  // of each place, that for no route included
  int64_t created_ns;
  int32_t creator;

  // A place is its own counts, those of its routes, their names, and their latencies, which are much the largest.
  size_t routes_from() const noexcept { return (sizeof(place) + 63) / 64 * 64; }
  size_t names_from() const noexcept { return routes_from() + size_t{routes} * sizeof(route_counts); }
  size_t latencies_from() const noexcept { return in_pages(names_from() + size_t{routes} * sizeof(shared_text)); }
  size_t place_bytes() const noexcept {
    return in_pages(latencies_from() + size_t{routes} * sizeof(core::latency_histogram));
  }
  size_t bytes() const noexcept { return page_bytes + size_t{places} * place_bytes(); }
};

core::result<std::shared_ptr<metrics_board>> metrics_board::create(uint32_t places, uint32_t routes) {
  const head wanted{board_magic, places, routes + 1, core::monotonic_ns(), ::getpid()};
  net::descriptor file(memfd_create("fasterapi-metrics", MFD_CLOEXEC));
  if (!file.valid()) return core::system_error(errno, "make the file of the server's figures");
  if (ftruncate(file.get(), static_cast<off_t>(wanted.bytes())) != 0) {
    return core::system_error(errno, "size the file of the server's figures");
  }
  std::shared_ptr<metrics_board> made = TRY(map(std::move(file), wanted.bytes()));
  new (made->base_) head(wanted);
  return made;
}

core::result<std::shared_ptr<metrics_board>> metrics_board::attach(int descriptor) {
  net::descriptor file(descriptor);
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return core::system_error(errno, "look at the file of the server's figures");
  const auto size = static_cast<size_t>(facts.st_size);
  if (size < page_bytes) return core::error{core::errc::invalid_argument, "not the file of a server's figures"};
  std::shared_ptr<metrics_board> made = TRY(map(std::move(file), size));
  if (made->top().magic != board_magic || made->top().bytes() != size) {
    return core::error{core::errc::invalid_argument, "not the file of a server's figures"};
  }
  return made;
}

core::result<std::shared_ptr<metrics_board>> metrics_board::map(net::descriptor file, size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return core::system_error(errno, "map the file of the server's figures");
  return std::shared_ptr<metrics_board>(new metrics_board(static_cast<std::byte*>(at), bytes, std::move(file)));
}

metrics_board::metrics_board(std::byte* base, size_t bytes, net::descriptor file) noexcept
    : base_(base), bytes_(bytes), file_(std::move(file)) {}

metrics_board::~metrics_board() { munmap(base_, bytes_); }

std::shared_ptr<metrics_board> metrics_board::here() {
  const std::lock_guard lock(of_process().mutex);
  return of_process().board;
}

void metrics_board::set_here(std::shared_ptr<metrics_board> board) {
  const std::lock_guard lock(of_process().mutex);
  of_process().board = std::move(board);
}

const metrics_board::head& metrics_board::top() const noexcept { return *reinterpret_cast<const head*>(base_); }
int64_t metrics_board::created_ns() const noexcept { return top().created_ns; }
int32_t metrics_board::creator() const noexcept { return top().creator; }
uint32_t metrics_board::places() const noexcept { return top().places; }

std::byte* metrics_board::start_of(uint32_t index) const noexcept {
  return base_ + page_bytes + size_t{index} * top().place_bytes();
}

route_counts* metrics_board::routes_at(const place& of) const noexcept {
  auto* start = reinterpret_cast<std::byte*>(const_cast<place*>(&of));
  return reinterpret_cast<route_counts*>(start + top().routes_from());
}

shared_text* metrics_board::names_at(const place& of) const noexcept {
  auto* start = reinterpret_cast<std::byte*>(const_cast<place*>(&of));
  return reinterpret_cast<shared_text*>(start + top().names_from());
}

core::latency_histogram* metrics_board::latencies_at(const place& of) const noexcept {
  auto* start = reinterpret_cast<std::byte*>(const_cast<place*>(&of));
  return reinterpret_cast<core::latency_histogram*>(start + top().latencies_from());
}

const metrics_board::place* metrics_board::at(uint32_t index) const noexcept {
  const auto* found = reinterpret_cast<const place*>(start_of(index));
  const uint32_t state = found->at.load(std::memory_order_acquire);
  return state == place::live || state == place::ended ? found : nullptr;
}

const route_counts& metrics_board::route(const place& of, uint32_t index) const noexcept {
  return routes_at(of)[index];
}

const core::latency_histogram& metrics_board::latency(const place& of, uint32_t index) const noexcept {
  return latencies_at(of)[index];
}

std::string metrics_board::name(const place& of, uint32_t index) const { return names_at(of)[index].get(); }

bool metrics_board::claim(place& wanted, uint32_t from) noexcept {
  return wanted.at.compare_exchange_strong(from, place::changing, std::memory_order_acq_rel);
}

// The place of a worker's earlier shard is taken first, then one that nobody had, then any that has ended.
metrics_board::place* metrics_board::take(int32_t worker, std::span<const std::string> routes) noexcept {
  const uint64_t fingerprint = fingerprint_of(routes);
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < places(); ++i) {
      place& one = *reinterpret_cast<place*>(start_of(i));
      uint32_t state = one.at.load(std::memory_order_acquire);
      // A process that died gave nothing back.
      if (state == place::live && is_gone(one.process.load(std::memory_order_relaxed)) && claim(one, state)) {
        one.counts.settle();
        one.at.store(place::ended, std::memory_order_release);
        state = place::ended;
      }
      const bool follows = one.worker.load(std::memory_order_relaxed) == worker &&
                           one.fingerprint.load(std::memory_order_relaxed) == fingerprint;
      const bool wanted = (round == 0 && state == place::ended && follows) || (round == 1 && state == place::empty) ||
                          (round == 2 && state == place::ended);
      if (!wanted || !claim(one, state)) continue;
      if (round > 0) furnish(one, worker, routes, fingerprint);
      one.process.store(::getpid(), std::memory_order_relaxed);
      one.since_ns.store(core::monotonic_ns(), std::memory_order_relaxed);
      one.shards.store(one.shards.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      one.at.store(place::live, std::memory_order_release);
      return &one;
    }
  }
  return nullptr;
}

// Makes an empty place for these routes, forgetting what another worker counted there.
void metrics_board::furnish(place& taken, int32_t worker, std::span<const std::string> routes,
                            uint64_t fingerprint) noexcept {
  const auto count = static_cast<uint32_t>(std::min<size_t>(routes.size() + 1, top().routes));
  if (taken.shards.load(std::memory_order_relaxed) > 0) {
    const uint32_t before = taken.route_count.load(std::memory_order_relaxed);
    for (uint32_t i = 0; i < before; ++i) {
      if (routes_at(taken)[i].requests() > 0) new (&latencies_at(taken)[i]) core::latency_histogram();
      new (&routes_at(taken)[i]) route_counts();
    }
    new (&taken.counts) shard_counts();
    taken.shards.store(0, std::memory_order_relaxed);
  }
  for (uint32_t i = 0; i + 1 < count; ++i) names_at(taken)[i].set(routes[i]);
  names_at(taken)[count - 1].set({});
  taken.worker.store(worker, std::memory_order_relaxed);
  taken.fingerprint.store(fingerprint, std::memory_order_relaxed);
  taken.route_count.store(count, std::memory_order_release);
}

void metrics_board::give_back(place& taken) noexcept {
  taken.counts.settle();
  taken.at.store(place::ended, std::memory_order_release);
}

metrics metrics_board::writer_of(place& taken) noexcept {
  return {taken.counts, routes_at(taken), latencies_at(taken), routes_of(taken)};
}

}  // namespace fasterapi::server
