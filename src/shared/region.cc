#include "shared/region.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace fasterapi::shared {

namespace {

// How many forks made this process of the one that loaded the library, and one: asking for the process's number instead
// would be a system call each time.
constinit std::atomic<uint64_t> forks = 0;

uint64_t forks_so_far() noexcept {
  if (const uint64_t known = forks.load(std::memory_order_relaxed)) return known;
  static const bool watching = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); }) == 0;
  uint64_t none = 0;
  forks.compare_exchange_strong(none, watching ? 1 : 0);
  return 1;
}

constexpr uint64_t magic = 0x3164656861736661;  // the layout's version is a part of it

core::result<std::byte*> map_file(int descriptor, size_t size) {
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
  if (base == MAP_FAILED) return core::system_error(errno, "map shared memory");
  return static_cast<std::byte*>(base);
}

core::result<std::array<uint64_t, 4>> random_words() {
  std::array<uint64_t, 4> words;
  if (getrandom(words.data(), sizeof words, 0) != sizeof words) return core::system_error(errno, "getrandom");
  return words;
}

void lay_out(std::byte* base, size_t size, const std::array<uint64_t, 4>& random) noexcept {
  auto* header = reinterpret_cast<region_header*>(base);
  constexpr size_t after_header = (sizeof(region_header) + 63) / 64 * 64;
  const uint64_t pages = size / page_table::page_bytes;
  const uint64_t own = (after_header + pages * sizeof(uint64_t) + page_table::page_bytes - 1) / page_table::page_bytes;
  new (&header->pages) page_table(reinterpret_cast<uint64_t*>(base + after_header), base, own, pages);
  new (&header->processes) process_table();
  new (&header->bells) bell_table();
  new (&header->directory) domain();
  header->max_bytes = size;
  header->id = {random[0], random[1]};
  header->hash_key = {random[2], random[3]};
  header->magic = magic;
}

}  // namespace

core::result<region> region::create(size_t max_bytes) {
  const size_t size = max_bytes / page_table::page_bytes * page_table::page_bytes;
  const auto random = TRY(random_words());
  const int descriptor = memfd_create("fasterapi-shared", MFD_CLOEXEC);
  if (descriptor < 0) return core::system_error(errno, "memfd_create");
  if (ftruncate(descriptor, static_cast<off_t>(size)) != 0) {
    const int code = errno;
    close(descriptor);
    return core::system_error(code, "set the size of shared memory");
  }
  core::result<std::byte*> base = map_file(descriptor, size);
  if (!base.ok()) {
    close(descriptor);
    return base.take_failure();
  }
  lay_out(base.value(), size, random);
  return region(base.value(), size, descriptor);
}

core::result<region> region::attach(int descriptor) {
  struct stat status = {};
  if (fstat(descriptor, &status) != 0) return core::system_error(errno, "look at shared memory");
  const auto size = static_cast<size_t>(status.st_size);
  if (size < sizeof(region_header)) return core::system_error(EINVAL, "attach to shared memory");
  std::byte* base = TRY(map_file(descriptor, size));
  const auto* header = reinterpret_cast<const region_header*>(base);
  if (header->magic != magic || header->max_bytes != size) {
    munmap(base, size);
    return core::system_error(EINVAL, "attach to shared memory of another version");
  }
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return region(base, size, descriptor);
}

region::region(region&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      size_(other.size_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      self_since_(other.self_since_.load()),
      self_(other.self_.load()) {}

region::~region() {
  if (base_ != nullptr) munmap(base_, size_);
  if (descriptor_ >= 0) close(descriptor_);
}

process_id region::self() const noexcept {
  const uint64_t forks = forks_so_far();
  if (self_since_.load(std::memory_order_acquire) == forks) return self_.load(std::memory_order_relaxed);
  // The first call in this process, or in a child made by fork(). Entering twice would make two of one process.
  static std::atomic_flag entering;
  while (entering.test_and_set(std::memory_order_acquire)) entering.wait(true, std::memory_order_relaxed);
  if (self_since_.load(std::memory_order_relaxed) != forks) {
    self_.store(header().processes.enter(descriptor_), std::memory_order_relaxed);
    self_since_.store(forks, std::memory_order_release);
  }
  entering.clear(std::memory_order_release);
  entering.notify_all();
  return self_.load(std::memory_order_relaxed);
}

bool region::is_alive(process_id process) const noexcept {
  return process == self() || header().processes.is_alive(descriptor_, process);
}

}  // namespace fasterapi::shared
