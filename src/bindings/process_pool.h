#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "bindings/executor_workers.h"
#include "fasterapi/core/result.h"

namespace fasterapi::bindings {

// The workers that all interpreters of a process share: made when the first of them asks, ended with the last.
//
// Any thread may call any member.
class process_pool {
 public:
  // The one of this process.
  static process_pool& here() noexcept;

  // The workers, for the interpreter with that number, which leaves once if it joined once or more. `path` is the
  // sys.path of the workers if they are to be made. Those that have not got all their threads (crew::started()) are the
  // caller's alone, who ends them.
  core::result<std::shared_ptr<shared_workers>> join(int64_t interpreter, std::vector<std::string> path);
  // The interpreter ends. The workers, which the last one to leave ends; null otherwise.
  std::shared_ptr<python::crew> leave(int64_t interpreter);

 private:
  std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<shared_workers> workers_;
  std::set<int64_t> users_;
  std::set<int64_t> own_;  // the workers' interpreters, which do not keep the pool alive
};

}  // namespace fasterapi::bindings
