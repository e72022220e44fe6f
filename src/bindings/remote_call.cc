#include "bindings/remote_call.h"

#include <algorithm>
#include <utility>

#include "bindings/worker_state.h"
#include "core/clock.h"
#include "fasterapi/core/futex.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

// How long a thread that waits for a call looks before it sleeps: a little more than it takes to wake a worker, which
// is then awake for the next call. Where that was in vain it looks shorter, but for each eighth time.
constexpr int64_t patient_spin_ns = 60'000;
constexpr int64_t short_spin_ns = 4'000;
constexpr uint32_t patient_every = 8;

}  // namespace

remote_call::remote_call(std::shared_ptr<const function_description> function, completion_port& port,
                         bool many) noexcept
    : function_(std::move(function)), port_(port), many_(many) {
  port_.retain();
}

remote_call::~remote_call() {
  drop_arguments();
  port_.release();
}

void remote_call::note_lending() noexcept {
  lends_ = !arguments.blocks().empty();
  if (lends_) port_.lend();
}

void remote_call::drop_arguments() noexcept {
  arguments = python::parcel();
  if (std::exchange(lends_, false)) port_.take_back();
}

bool remote_call::begin() noexcept {
  uint32_t word = word_.load(std::memory_order_relaxed);
  while (phase_of(word) == phase::pending) {
    const uint32_t running = (word & ~phase_mask) | static_cast<uint32_t>(phase::running);
    if (word_.compare_exchange_weak(word, running, std::memory_order_acq_rel)) return true;
  }
  return false;
}

// False when it was over before.
bool remote_call::end(phase how, phase& before) noexcept {
  uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    before = phase_of(word);
    if (before >= phase::returned) return false;
  } while (
      !word_.compare_exchange_weak(word, (word & ~phase_mask) | static_cast<uint32_t>(how), std::memory_order_acq_rel));
  if ((word & awaited) != 0) core::futex_wake_all(word_);
  if ((word & observed) != 0) port_.push(*this);
  return true;
}

PyObject* remote_call::call_once(python::border& by, PyObject* function) noexcept {
  return by.call(function, arguments);
}

// The results of the calls before the first that failed, and of that one what is to be told: ([…], None or failure).
PyObject* remote_call::call_many(python::border& by, PyObject* function) noexcept {
  const ref calls = ref::steal(by.unpack(arguments));
  const ref results = ref::steal(PyList_New(0));
  if (!calls || !results) return nullptr;
  ref failure = ref::share(Py_None);
  const Py_ssize_t count = PyList_GET_SIZE(calls.get());
  for (Py_ssize_t i = 0; i < count; ++i) {
    const ref one = ref::steal(PyObject_Call(function, PyList_GET_ITEM(calls.get(), i), nullptr));
    if (!one) {
      failure = take_failure();
      break;
    }
    if (PyList_Append(results.get(), one.get()) != 0) return nullptr;
  }
  return PyTuple_Pack(2, results.get(), failure.get());
}

void remote_call::note_exception(python::border& by) noexcept {
  outcome_ = phase::raised;
  if (by.pack(take_failure().get(), made_, python::views::copied)) return;
  PyErr_Clear();
  made_.clear();
}

bool remote_call::run(const python::gil&, python::place& here) noexcept {
  if (!begin()) return true;
  outcome_ = phase::returned;
  python::border* by = python::border::here();
  worker_state* state = by != nullptr ? worker_state::of(here) : nullptr;
  if (state == nullptr) {
    PyErr_Clear();
    outcome_ = phase::raised;
    return false;
  }
  ref held;
  PyObject* function = state->function(*by, *function_, held);
  ref result;
  if (function != nullptr) result = ref::steal(many_ ? call_many(*by, function) : call_once(*by, function));
  if (!result || !by->pack(result.get(), made_, python::views::copied)) note_exception(*by);
  return outcome_ == phase::returned;
}

void remote_call::publish() noexcept {
  if (outcome_ == phase::pending) return;
  drop_arguments();
  phase before;
  end(outcome_, before);
}

void remote_call::abandon(core::error why) noexcept {
  const bool cancelled = why.code == core::errc::cancelled;
  failure_ = std::move(why);
  phase before;
  // One that runs looks at its arguments still.
  if (end(cancelled ? phase::cancelled : phase::abandoned, before) && before == phase::pending) drop_arguments();
}

bool remote_call::cancel() noexcept {
  uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if (phase_of(word) != phase::pending) return false;
  } while (!word_.compare_exchange_weak(word, (word & ~phase_mask) | static_cast<uint32_t>(phase::cancelled),
                                        std::memory_order_acq_rel));
  if ((word & awaited) != 0) core::futex_wake_all(word_);
  drop_arguments();
  return true;
}

bool remote_call::wait(int64_t deadline_ns) noexcept {
  std::atomic<uint32_t>& vain = port_.vain_waits;
  const bool is_patient = vain.load(std::memory_order_relaxed) % patient_every == 0;
  const int64_t spin_ns = is_patient ? patient_spin_ns : short_spin_ns;
  const int64_t awake_until_ns = std::min(deadline_ns, core::monotonic_ns() + spin_ns);
  do {
    for (int i = 0; i < 16; ++i) {
      if (is_over()) {
        if (is_patient) vain.store(0, std::memory_order_relaxed);
        return true;
      }
      __builtin_ia32_pause();
    }
  } while (core::monotonic_ns() < awake_until_ns);
  vain.fetch_add(1, std::memory_order_relaxed);
  for (;;) {
    const uint32_t word = mark(awaited) | awaited;
    if (phase_of(word) >= phase::returned) return true;
    if (!core::futex_wait(word_, word, deadline_ns)) return is_over();
  }
}

}  // namespace fasterapi::bindings
