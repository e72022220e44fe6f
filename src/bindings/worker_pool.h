#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bindings/call_pool.h"
#include "bindings/pinned_worker.h"
#include "net/doorbell.h"
#include "python/crew.h"

namespace fasterapi::bindings {

// Where the workers of one server run.
enum class worker_home : uint8_t {
  own_interpreters,  // each in an interpreter with a GIL of its own (`pinned`)
  main_interpreter,  // all in the main one, a thread each (`threads`)
};

// The workers of one server, whose interpreters are made early and put to work later.
//
// Owner: the main interpreter's thread, which is attached only where that is said.
class worker_pool {
 public:
  // `python_path` is the sys.path of interpreters of their own.
  worker_pool(worker_home home, std::vector<std::string> python_path);
  // Ends what was not put to use, and waits for it. Not attached.
  ~worker_pool();
  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  // Others with interpreters of their own, on the same path.
  static std::unique_ptr<worker_pool> fresh(const std::vector<std::string>& python_path);
  // Whether others may take these workers' places: those of the main interpreter are bound to what is loaded there.
  bool replaceable() const noexcept { return home_ == worker_home::own_interpreters; }
  const std::vector<std::string>& python_path() const noexcept { return python_path_; }

  // Starts to prepare workers, or dismisses those past `count`, before any is put to work. Attached or not. Those of
  // the main interpreter are of a fixed number: only the first call counts.
  void resize(size_t count);
  // Makes a pool, which runs handlers for all of them, or uses that of others in whose place these come. Before they
  // are put to work; `events` as for assign().
  void open_call_pool(pool_plan plan, std::shared_ptr<const net::doorbell> events);
  void share_call_pool(const worker_pool& of) { keeper_ = of.keeper_; }
  // Puts them all to work, each at one of `places`: the workers' indices. `events` is rung when the state of one
  // changes.
  void assign(const std::vector<int>& places, const std::string& config, const std::vector<int>& cpus,
              const std::shared_ptr<const net::doorbell>& events);
  void request_stop();
  void request_drain();
  // Lets the interpreters end, once their workers have: that takes as long as what the app has left running there. The
  // pool ends with the last of those that use it. As often as one likes; not attached.
  void close();
  bool has_ended() const;
  // Until every interpreter has ended. Not attached.
  void join();

  template <typename Predicate>
  bool all(Predicate&& holds) const {
    return std::all_of(workers_.begin(), workers_.end(), [&](const pinned_worker* one) { return holds(*one); });
  }
  template <typename Function>
  void for_each(Function&& look) const {
    for (pinned_worker* one : workers_) look(*one);
  }
  bool has(const pinned_worker& one) const {
    return std::find(workers_.begin(), workers_.end(), &one) != workers_.end();
  }
  // Whether the pool, if there is one, has opened all its interpreters; why it could not, if it could not.
  bool pool_is_ready() const { return keeper_ == nullptr || keeper_->pool()->ready(); }
  std::string pool_failure() const { return keeper_ == nullptr ? std::string() : keeper_->pool()->failure(); }
  // What its pool, if there is one, has replaced since the last call, or could not.
  std::vector<replacement> take_replacements() const {
    return keeper_ == nullptr ? std::vector<replacement>() : keeper_->pool()->take_replacements();
  }
  // The first worker that failed, or null.
  const pinned_worker* failed() const;
  // What each worker declared, and each interpreter of the pool, as JSON.
  std::vector<std::string> routes() const;

 private:
  void launch(size_t count);

  // A position of one of the crews: an interpreter, or the main one, which is every worker's. There is one crew, unless
  // more were wanted than expected.
  struct seat {
    std::shared_ptr<python::crew> crew;
    size_t position;
  };

  const worker_home home_;
  const std::vector<std::string> python_path_;
  std::vector<std::shared_ptr<python::crew>> crews_;
  std::vector<seat> seats_;
  std::vector<pinned_worker*> workers_;  // a reference to each
  std::shared_ptr<pool_keeper> keeper_;  // null: no pool
};

}  // namespace fasterapi::bindings
