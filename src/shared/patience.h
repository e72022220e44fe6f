#pragma once

namespace fasterapi::shared {

// What a thread gives up while it waits for a lock that somebody else holds, such as Python's GIL, and takes back once
// it has let go of that lock again. So nobody ever waits for it while holding a lock.
class patience {
 public:
  virtual void give_up() noexcept {}
  virtual void take_back() noexcept {}

 protected:
  ~patience() = default;
};

// For threads that have nothing to give up.
class plain_patience final : public patience {};

}  // namespace fasterapi::shared
