#include "fasterapi/core/timer.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <limits>
#include <mutex>
#include <vector>

#include "core/clock.h"
#include "core/thread.h"

namespace fasterapi::core {

namespace timer_detail {

inline constexpr size_t not_queued = std::numeric_limits<size_t>::max();

struct entry {
  int64_t deadline_ns;
  uint64_t order;             // among those of the same deadline
  task work;                  // guarded by the queue
  size_t place = not_queued;  // in the heap; guarded by the queue
};

// A binary heap of entries that know their place in it, so that any of them can be taken out. Every member may be
// called by any thread.
class deadline_queue {
 public:
  std::shared_ptr<entry> add(int64_t deadline_ns, task work) noexcept {
    auto added = std::make_shared<entry>();
    added->deadline_ns = deadline_ns;
    added->work = std::move(work);
    bool earliest = false;
    {
      const std::lock_guard held(mutex_);
      added->order = count_++;
      heap_.push_back(added);
      added->place = heap_.size() - 1;
      rise(added->place);
      earliest = added->place == 0;
    }
    if (earliest) changed_.notify_one();
    return added;
  }

  bool take_out(entry& unwanted) noexcept {
    task dropped;
    const std::lock_guard held(mutex_);
    if (unwanted.place == not_queued) return false;
    dropped = std::move(unwanted.work);
    remove(unwanted.place);
    return true;
  }

  // Runs what is due, until stop().
  void run() noexcept {
    std::unique_lock held(mutex_);
    while (!stopped_) {
      if (heap_.empty()) {
        changed_.wait(held);
      } else if (const int64_t next_ns = heap_.front()->deadline_ns; next_ns > monotonic_ns()) {
        // The clock of libstdc++'s steady_clock is CLOCK_MONOTONIC.
        changed_.wait_until(held, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(next_ns)));
      } else {
        task due = std::move(heap_.front()->work);
        remove(0);
        held.unlock();
        due();
        due.reset();
        held.lock();
      }
    }
  }

  void stop() noexcept {
    {
      const std::lock_guard held(mutex_);
      stopped_ = true;
    }
    changed_.notify_one();
  }

  // Once nobody runs it any more. What is destroyed may add more.
  void clear() noexcept {
    while (true) {
      task dropped;
      const std::lock_guard held(mutex_);
      if (heap_.empty()) return;
      dropped = std::move(heap_.back()->work);
      remove(heap_.size() - 1);
    }
  }

  size_t size() const noexcept {
    const std::lock_guard held(mutex_);
    return heap_.size();
  }

  thread runner;  // the timer's own, which run() is for

 private:
  bool earlier(size_t left, size_t right) const noexcept {
    const entry& one = *heap_[left];
    const entry& other = *heap_[right];
    return one.deadline_ns != other.deadline_ns ? one.deadline_ns < other.deadline_ns : one.order < other.order;
  }
  void swap(size_t left, size_t right) noexcept {
    heap_[left].swap(heap_[right]);
    heap_[left]->place = left;
    heap_[right]->place = right;
  }
  void rise(size_t place) noexcept {
    for (; place > 0 && earlier(place, (place - 1) / 2); place = (place - 1) / 2) swap(place, (place - 1) / 2);
  }
  void sink(size_t place) noexcept {
    while (true) {
      size_t first = place;
      for (size_t child = 2 * place + 1; child < heap_.size() && child <= 2 * place + 2; ++child) {
        if (earlier(child, first)) first = child;
      }
      if (first == place) return;
      swap(place, first);
      place = first;
    }
  }
  void remove(size_t place) noexcept {
    swap(place, heap_.size() - 1);
    heap_.back()->place = not_queued;
    heap_.pop_back();
    if (place == heap_.size()) return;
    rise(place);
    sink(place);
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::vector<std::shared_ptr<entry>> heap_;
  uint64_t count_ = 0;
  bool stopped_ = false;
};

}  // namespace timer_detail

namespace {

// Signals are for the threads of the program: one that is started while this is there takes none.
class without_signals {
 public:
  without_signals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~without_signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  without_signals(const without_signals&) = delete;
  without_signals& operator=(const without_signals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

bool timer_handle::cancel() noexcept { return queue_ != nullptr && queue_->take_out(*entry_); }

timer::timer(std::shared_ptr<timer_detail::deadline_queue> queue) noexcept : queue_(std::move(queue)) {}

result<std::unique_ptr<timer>> timer::create() {
  auto queue = std::make_shared<timer_detail::deadline_queue>();
  const without_signals quiet;
  queue->runner = TRY(thread::start("timer", [of = queue.get()] { of->run(); }));
  return std::unique_ptr<timer>(new timer(std::move(queue)));
}

timer::~timer() {
  queue_->stop();
  queue_->runner.join();
  queue_->clear();
}

timer_handle timer::schedule(int64_t deadline_ns, task work) noexcept {
  return {queue_, queue_->add(deadline_ns, std::move(work))};
}

size_t timer::size() const noexcept { return queue_->size(); }

}  // namespace fasterapi::core
