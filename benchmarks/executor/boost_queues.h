#pragma once

// Boost is compiled without exceptions here, as everything else.
#define BOOST_NO_EXCEPTIONS
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>

namespace fasterapi::benchmark {

// Boost's queues under the names that ours have.
template <typename T>
class boost_spsc {
 public:
  explicit boost_spsc(size_t capacity) : queue_(capacity) {}
  bool try_push(T value) { return queue_.push(value); }
  bool try_pop(T& out) { return queue_.pop(out); }

 private:
  boost::lockfree::spsc_queue<T> queue_;
};

template <typename T>
class boost_mpmc {
 public:
  explicit boost_mpmc(size_t capacity) : queue_(capacity) {}
  bool try_push(T value) { return queue_.bounded_push(value); }
  bool try_pop(T& out) { return queue_.pop(out); }

 private:
  boost::lockfree::queue<T> queue_;
};

}  // namespace fasterapi::benchmark
