#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/thread.h"
#include "server/lease.h"
#include "server/spare_driver.h"

namespace fasterapi::server {

// Watches the workers of a process: where one has been in the same handler for longer than `patience_ns`, a spare
// driver gets its shard, as soon as there is one: of these, the first is made with the monitor, others when they are
// needed, and where the system has no thread for one, the shard stays with its worker meanwhile. One thread, attached
// to no interpreter, which looks around every few milliseconds while there is something to see and sleeps when there is
// not.
//
// Any thread may call any member.
class monitor {
 public:
  static constexpr int64_t patience_ns = 5'000'000;

  // The one of this process, which lives as long as somebody holds it. Fails where there is no thread for it.
  static core::result<std::shared_ptr<monitor>> of_this_process();
  static core::result<std::unique_ptr<monitor>> create();

  // Nothing is watched any more.
  ~monitor();
  monitor(const monitor&) = delete;
  monitor& operator=(const monitor&) = delete;

  // The lease's worker, which has the shard.
  void watch(lease& watched);
  void unwatch(lease& watched);

 private:
  static constexpr int64_t interval_ns = 2'500'000;        // between two looks
  static constexpr int64_t idle_after_ns = 1'000'000'000;  // without anything new to see

  struct entry {
    lease* watched;
    uint64_t section;      // as last seen
    int64_t since_ns;      // when it was first seen
    bool is_told = false;  // that nobody can drive the shard meanwhile
  };

  monitor() = default;
  void run();
  // Until when to sleep; 0: until something happens.
  int64_t look_around(int64_t now_ns);
  bool nothing_has_changed() const noexcept;
  spare_driver* idle_spare();
  void put_off(entry& one, int64_t now_ns);

  std::atomic<uint32_t> asleep_ = 0;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<entry> entries_;
  std::vector<std::unique_ptr<spare_driver>> spares_;
  int64_t last_change_ns_ = 0;
  bool ending_ = false;

  core::thread thread_;
};

}  // namespace fasterapi::server
