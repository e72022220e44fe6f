#include "shared/bell.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "shared/region.h"

namespace fasterapi::shared {

namespace {

struct address {
  sockaddr_un name = {};
  socklen_t size = 0;
};

// Abstract: no file is left behind. A stranger who guessed it could only wake a loop for nothing.
address address_of(const region& in, size_t index) noexcept {
  const region_header& header = in.header();
  address made;
  made.name.sun_family = AF_UNIX;
  const int length =
      snprintf(made.name.sun_path + 1, sizeof made.name.sun_path - 1, "fasterapi-%016llx%016llx-%zu-%llu",
               static_cast<unsigned long long>(header.id[0]), static_cast<unsigned long long>(header.id[1]), index,
               static_cast<unsigned long long>(header.bells.entries[index].generation.load()));
  made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<size_t>(length));
  return made;
}

bool take_entry(const region& in, bell_table::entry& entry, bool also_of_dead) noexcept {
  process_id owner = entry.owner.load();
  if (owner != 0 && (!also_of_dead || in.is_alive(owner))) return false;
  if (!entry.owner.compare_exchange_strong(owner, in.self())) return false;
  entry.generation.fetch_add(1);
  return true;
}

// The socket that rings: one for the process, made when first needed.
int ringing_socket() noexcept {
  static const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return descriptor;
}

}  // namespace

core::result<bell> bell::create(const region& in) {
  if (in.self() == 0) return core::system_error(EMFILE, "enter the table of processes that share memory");
  bell_table& table = in.header().bells;
  for (const bool also_of_dead : {false, true}) {
    for (size_t index = 0; index < max_bells; ++index) {
      if (!take_entry(in, table.entries[index], also_of_dead)) continue;
      const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      bell made(in, index, descriptor);  // from here on the entry is given back whatever happens
      if (descriptor < 0) return core::system_error(errno, "make a socket to wait for shared memory");
      const address name = address_of(in, index);
      if (bind(descriptor, reinterpret_cast<const sockaddr*>(&name.name), name.size) != 0) {
        return core::system_error(errno, "bind a socket to wait for shared memory");
      }
      return made;
    }
  }
  return core::system_error(EMFILE, "wait in one more event loop than the 512 that may wait for shared memory");
}

bell::bell(bell&& other) noexcept
    : region_(std::exchange(other.region_, nullptr)),
      index_(other.index_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

bell::~bell() {
  if (descriptor_ >= 0) close(descriptor_);
  if (region_ != nullptr) region_->header().bells.entries[index_].owner.store(0);
}

bool bell::next(uint64_t& where) const noexcept { return recv(descriptor_, &where, sizeof where, 0) == sizeof where; }

bool bell::take_overflow() const noexcept {
  std::atomic<uint32_t>& overflowed = region_->header().bells.entries[index_].overflowed;
  return overflowed.load() != 0 && overflowed.exchange(0) != 0;
}

void ring(const region& in, size_t index, uint64_t where) noexcept {
  const address name = address_of(in, index);
  const auto send = [&] {
    while (sendto(ringing_socket(), &where, sizeof where, MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&name.name),
                  name.size) < 0) {
      if (errno != EINTR) return errno;
    }
    return 0;
  };
  // A refused bell has nobody behind it any more. A full one is noted, and rung again in case it was emptied before
  // the note could be seen.
  if (send() != EAGAIN) return;
  in.header().bells.entries[index].overflowed.store(1);
  send();
}

}  // namespace fasterapi::shared
