#pragma once

#include <optional>
#include <string>

#include "fasterapi/core/future.h"
#include "fasterapi/python/job.h"
#include "fasterapi/python/value.h"
#include "python/parcel.h"

namespace fasterapi::python {

// The call of a Python function by name, with plain values there and back.
class call_job final : public job, public core::future_state<value> {
 public:
  // `arguments` holds a tuple, `keywords` a dict.
  call_job(std::string module, std::string qualname, parcel arguments, parcel keywords)
      : module_(std::move(module)),
        qualname_(std::move(qualname)),
        arguments_(std::move(arguments)),
        keywords_(std::move(keywords)) {}

  bool run(const gil& held, place& here) noexcept override;
  void publish() noexcept override { complete_first(std::move(*made_)); }
  void abandon(core::error why) noexcept override { complete_first(std::move(why)); }
  bool unwanted() const noexcept override { return cancelled(); }
  void retain() noexcept override { shared_state::retain(); }
  void release() noexcept override { shared_state::release(); }

 private:
  core::result<value> call(const gil& held, place& here) const;
  core::result<ref> find(const gil& held, place& here) const;

  const std::string module_;
  const std::string qualname_;
  const parcel arguments_;
  const parcel keywords_;
  std::optional<core::result<value>> made_;
};

}  // namespace fasterapi::python
