#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "bindings/completion_port.h"
#include "fasterapi/core/result.h"
#include "fasterapi/python/job.h"
#include "python/border.h"
#include "python/parcel.h"

namespace fasterapi::bindings {

// A function as interpreters that do not have it find or make it. Constant after construction.
struct function_description {
  uint64_t id = 0;     // of this process; 0: for one call, nobody keeps it
  std::string module;  // where to import it from; empty: `made` is a pickle of it
  std::string qualname;
  python::parcel made;
};

// A call on its way to a worker, and its outcome on the way back: the part of a future that no interpreter owns.
//
// Made by the submitter. Counted: one reference is the future's, one the executor's.
class remote_call final : public python::job {
 public:
  enum class phase : uint32_t { pending, running, returned, raised, abandoned, cancelled };
  // What is known of who waits, beside the phase in one word.
  static constexpr uint32_t phase_mask = 7;
  static constexpr uint32_t observed = 8;    // the submitter's completion thread is to be told
  static constexpr uint32_t announced = 16;  // it has been, or nobody has to be
  static constexpr uint32_t awaited = 32;    // threads sleep on the word

  remote_call(std::shared_ptr<const function_description> function, completion_port& port, bool many) noexcept;

  // ---- python::job
  bool run(const python::gil& held, python::place& here) noexcept override;
  void publish() noexcept override;
  void abandon(core::error why) noexcept override;
  bool unwanted() const noexcept override { return now() == phase::cancelled; }
  void retain() noexcept override { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept override {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // ---- the submitter's side; any thread
  // The arguments are complete: what they lend is counted at the port until it is let go of.
  void note_lending() noexcept;
  phase now() const noexcept { return phase_of(word_.load(std::memory_order_acquire)); }
  bool is_over() const noexcept { return now() >= phase::returned; }
  uint32_t word() const noexcept { return word_.load(std::memory_order_acquire); }
  static phase phase_of(uint32_t word) noexcept { return static_cast<phase>(word & phase_mask); }
  // Sets flags; the word as it was before.
  uint32_t mark(uint32_t flags) noexcept { return word_.fetch_or(flags, std::memory_order_seq_cst); }
  // False when it is running or over already.
  bool cancel() noexcept;
  // Waits until it is over, at first awake, then asleep. Not attached. False when the deadline (monotonic) has passed.
  bool wait(int64_t deadline_ns) noexcept;
  // How it was given up; of an abandoned one.
  const core::error& why() const noexcept { return failure_; }
  // The result, or what is to be told of the exception. Of one that returned or raised.
  python::parcel& outcome() noexcept { return made_; }

  python::parcel arguments;  // the submitter's until it is submitted, the worker's from then on

 private:
  ~remote_call();
  bool end(phase how, phase& before) noexcept;
  bool begin() noexcept;
  void drop_arguments() noexcept;
  PyObject* call_once(python::border& by, PyObject* function) noexcept;
  PyObject* call_many(python::border& by, PyObject* function) noexcept;
  void note_exception(python::border& by) noexcept;

  std::atomic<uint32_t> word_{0};
  std::atomic<uint32_t> references_{1};

  // Constant after construction.
  const std::shared_ptr<const function_description> function_;
  completion_port& port_;
  const bool many_;  // the arguments are a list of tuples, each for one call

  // The running worker's until it is published, constant afterwards.
  python::parcel made_;
  phase outcome_ = phase::pending;
  // Whoever is the last to look at the arguments writes it: the worker, or who ended a call that did not begin.
  bool lends_ = false;
  // Written by abandon(), before the phase becomes `abandoned`.
  core::error failure_;
};

}  // namespace fasterapi::bindings
