#pragma once

#include <atomic>
#include <cstdint>

#include "fasterapi/python/job.h"

namespace fasterapi::python {

// A job that counts its references itself, begins with its maker's, and comes from `new`.
class counted_job : public job {
 public:
  void retain() noexcept final { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept final {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  counted_job() noexcept = default;
  virtual ~counted_job() = default;

 private:
  std::atomic<uint32_t> references_ = 1;
};

}  // namespace fasterapi::python
