#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/vector_clock.h"

namespace fasterapi::core::model {

// The memory of one execution: for each atomic the stores it has had, for each plain object who touched it last, and
// for each thread what happened before its next step. Decides which stores a load may return, and finds what C++ calls
// a data race.
//
// The rules are those of the C++ memory model without fences, and with two things left out: a load never returns a
// store that is yet to be made, and a read-modify-write (also a comparison that fails) reads the newest store. Loads
// may return old stores: what a weaker order permits happens.
class memory {
 public:
  // Forgets everything: a new execution.
  void begin();
  // The new thread knows what `parent` knows.
  void start_thread(size_t thread, size_t parent);
  // `parent` now knows what the thread, which has ended, knew.
  void end_thread(size_t thread, size_t parent);
  // From here on the thread's loads return the newest stores there are: what waiting long enough leads to.
  void catch_up(size_t thread);
  // From here on `to` sees the stores that `from` knows. Orders nothing else: races stay races.
  void show(size_t from, size_t to);
  // Whether any thread made a store that `thread` need not see yet.
  bool behind(size_t thread) const;

  // Atomics, by address. One that was not created begins as `initial` at its first use: zeroed memory.
  void create(const void* address, size_t thread, uint64_t initial);
  void destroy(const void* address, size_t thread);
  // How many stores a load may return: ages 0, the newest, to the count less one.
  size_t readable(const void* address, size_t thread, std::memory_order order, uint64_t initial);
  uint64_t load(const void* address, size_t thread, std::memory_order order, size_t age);
  uint64_t newest(const void* address, size_t thread, uint64_t initial);
  void store(const void* address, size_t thread, std::memory_order order, uint64_t value, uint64_t initial);
  // A store that continues the release sequence of the newest one, which the thread reads.
  void update(const void* address, size_t thread, std::memory_order order, uint64_t value);

  // Plain objects. `begin_life` and `end_life` are writes; a life that begins in fresh memory is no access of what was
  // there before.
  void read(const void* address, size_t thread);
  void write(const void* address, size_t thread);
  void begin_life(const void* address, size_t thread, bool fresh);
  void end_life(const void* address, size_t thread);

  // What was done wrong first; null while nothing was.
  const char* fault() const { return fault_; }

 private:
  struct made_store {
    uint64_t value;
    bool sequential = false;
    vector_clock released = {};                         // what an acquire load of it learns
    std::array<uint32_t, threads_max> first_seen = {};  // by event of each thread; 0: not yet
    std::array<uint8_t, threads_max> old_reads = {};    // how often each thread read it as an old one
  };

  struct atomic_place {
    const void* address;
    bool alive;
    size_t creator;
    uint32_t created;  // event of the creator; 0: zeroed memory, there from the beginning
    vector_clock used;
    std::vector<made_store> stores;
  };

  struct plain_place {
    const void* address;
    bool alive;
    size_t writer;
    uint32_t written;
    vector_clock read;
  };

  struct thread_knowledge {
    vector_clock happened;  // before this thread's next step
    vector_clock seen;      // the same and what catch_up() and show() showed
    uint32_t last_store = 0;
  };

  // The place, its use by the thread checked; made on the spot where it is zeroed memory.
  atomic_place& at(const void* address, size_t thread, uint64_t initial = 0);
  atomic_place& make_atomic(const void* address);
  plain_place& plain_at(const void* address);
  void fail(const char* fault) {
    if (fault_ == nullptr) fault_ = fault;
  }
  uint32_t step(size_t thread);
  void add_store(atomic_place& place, size_t thread, std::memory_order order, uint64_t value, bool continues);
  bool seen_by(const made_store& one, size_t thread) const;
  void check_write(plain_place& place, size_t thread);
  void learn(const made_store& one, size_t thread, std::memory_order order);

  std::array<thread_knowledge, threads_max> threads_;
  std::vector<atomic_place> atomics_;  // the first `atomics_used_` are of this execution: their memory is used again
  size_t atomics_used_ = 0;
  std::vector<plain_place> plains_;
  const char* fault_ = nullptr;
};

}  // namespace fasterapi::core::model
