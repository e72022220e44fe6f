#include "bindings/dispatch.h"

#include <array>
#include <utility>

#include "bindings/answer.h"
#include "bindings/request.h"
#include "bindings/routes.h"
#include "bindings/site.h"
#include "python/entered_context.h"
#include "server/limits.h"

namespace fasterapi::bindings {

namespace {

using python::entered_context;
using python::ref;

// The arguments of one call, dropped together. Slot 0 is the callee's to use (PY_VECTORCALL_ARGUMENTS_OFFSET).
class call_arguments {
 public:
  explicit call_arguments(size_t count) noexcept : count_(count) {}
  ~call_arguments() { drop(); }
  call_arguments(const call_arguments&) = delete;
  call_arguments& operator=(const call_arguments&) = delete;

  PyObject** data() noexcept { return slots_.data() + 1; }
  void filled() noexcept { filled_ = true; }
  void drop() noexcept {
    if (!std::exchange(filled_, false)) return;
    for (size_t i = 0; i < count_; ++i) Py_XDECREF(slots_[i + 1]);
  }

 private:
  size_t count_;
  bool filled_ = false;
  std::array<PyObject*, parameters_max + 1> slots_;
};

// Whether the call has a route: the one that it matched.
bool is_routed(const server::call& call) noexcept { return call.refused.status == 0 || call.refused.status == 422; }

// Ends a call that nobody waits for any more: what was raised, which is taken, is where its handler was ended.
void end_unwanted(site& here, server::call& call) {
  const ref raised = ref::steal(PyErr_GetRaisedException());
  if (raised && is_routed(call) && is_timed_out(call)) {
    const handler_entry& entry = entry_of(here.routes, call.matched.route);
    const http::request_id id = call.id();
    const std::string_view trace = call.trace_parent();  // null where there is none
    shelter(here, call);
    if (!ref::steal(PyObject_CallFunction(here.state->log_timeout, "OOs#z#", raised.get(), entry.label.get(),
                                          id.view().data(), static_cast<Py_ssize_t>(id.view().size()), trace.data(),
                                          static_cast<Py_ssize_t>(trace.size())))) {
      PyErr_WriteUnraisable(nullptr);
    }
  }
  answer(here, call, {});
}

// What was to say the app's answer has raised.
void fail_answer(site& here, server::call& call) {
  if (is_unwanted(here, call)) return end_unwanted(here, call);
  answer_last_resort(here, call);
}

// Answers with what one of the app's handlers of exceptions and refusals gave, which may be a coroutine.
void take_answer(site& here, server::call& call, const ref& given) {
  if (!given) return fail_answer(here, call);
  if (!PyCoro_CheckExact(given.get())) return finish_call(here, call, given.get(), outcome_kind::answer);
  const auto context = entered_context::copy_of_current();
  if (!context) return answer_last_resort(here, call);
  leave_shard(here, call);
  start_coroutine(here, call, given.get(), context.get(), outcome_kind::answer);
}

// The app's own answer to a request that the engine would refuse.
void answer_refused(site& here, server::call& call) {
  const module_state& state = *here.state;
  const server::call::refusal& refused = call.refused;
  const bool routed = is_routed(call);
  const handler_entry* entry = routed ? &entry_of(here.routes, call.matched.route) : nullptr;
  PyObject* request = make_request(here, call, entry);
  if (request == nullptr) return answer_last_resort(here, call);
  shelter(here, call);
  ref given;
  if (routed) {
    given =
        ref::steal(PyObject_CallFunction(state.handle_validation_error, "OOy#O", here.app, request, refused.body.data(),
                                         static_cast<Py_ssize_t>(refused.body.size()), entry->label.get()));
  } else {
    const ref headers =
        ref::steal(refused.allow.empty() ? PyDict_New()
                                         : Py_BuildValue("{ss#}", "Allow", refused.allow.data(),
                                                         static_cast<Py_ssize_t>(refused.allow.size())));
    if (!headers) return answer_last_resort(here, call);
    given = ref::steal(
        PyObject_CallFunction(state.handle_status, "OOiO", here.app, request, int{refused.status}, headers.get()));
  }
  take_answer(here, call, given);
}

void answer_invalid(site& here, server::call& call, const schema::error_list& errors) {
  const auto refusal = refuse_invalid(here, call, errors);
  if (!refusal) return answer_refused(here, call);
  answer(here, call, *refusal);
}

// Reads what the shard did not, and what it did that lay in its own buffers. False: the call is answered.
bool read_values(site& here, server::call& call, const schema::plan& plan) {
  schema::error_list errors;
  bool done;
  shelter(here, call);
  if (call.body.size() < server::limits::read_by_handler_bytes) {
    done = call.read_values(plan, *here.reader, errors);
  } else {
    Py_BEGIN_ALLOW_THREADS done = call.read_values(plan, *here.reader, errors);
    Py_END_ALLOW_THREADS
  }
  if (done) return true;
  if (call.memory.failed() || errors.failed()) {
    answer_internal_error(here, call, "out of memory");
  } else {
    answer_invalid(here, call, errors);
  }
  return false;
}

}  // namespace

void run_call(site& here, server::call& call) {
  if (call.refused.status != 0) [[unlikely]] {
    return answer_refused(here, call);
  }
  const handler_entry& entry = entry_of(here.routes, call.matched.route);
  const compiled_plan& plan = *entry.plan;
  const bool has_parameters = plan.shape.parameter_count() > 0;
  if (has_parameters && call.values == nullptr && !read_values(here, call, plan.shape)) return;
  PyObject* request = nullptr;
  if (plan.shape.needs_request()) {
    request = make_request(here, call, &entry);
    if (request == nullptr) return fail_call(here, call);
  }
  leave_shard(here, call);
  call_arguments arguments(plan.shape.parameter_count());
  if (has_parameters) {
    schema::error_list errors;
    if (!build_arguments(plan, call.values, request, call.memory, errors, arguments.data())) {
      if (PyErr_Occurred() != nullptr) {
        fail_call(here, call);
      } else {
        answer_invalid(here, call, errors);
      }
      return;
    }
    arguments.filled();
  }
  const auto context = entered_context::copy_of_current();
  if (!context) return fail_call(here, call);
  if (!application_of(here.routes).routes[call.matched.route].is_async) hide_loop(here);
  const ref result =
      ref::steal(PyObject_Vectorcall(entry.handler.get(), arguments.data(),
                                     plan.positional_count | PY_VECTORCALL_ARGUMENTS_OFFSET, plan.keywords.get()));
  arguments.drop();  // whoever still holds the request from here on asked for it
  if (!result) return fail_call(here, call);
  if (PyCoro_CheckExact(result.get())) {
    start_coroutine(here, call, result.get(), context.get(), outcome_kind::result);
  } else {
    finish_call(here, call, result.get(), outcome_kind::result);
  }
}

void finish_call(site& here, server::call& call, PyObject* value, outcome_kind kind) {
  if (kind == outcome_kind::answer) {
    if (!answer_parts(here, call, value)) answer_last_resort(here, call);
    return;
  }
  const handler_entry& entry = entry_of(here.routes, call.matched.route);
  if (!answer_result(here, call, entry, value)) fail_call(here, call);
}

void fail_call(site& here, server::call& call) {
  if (is_unwanted(here, call) || call.refused.status != 0) return fail_answer(here, call);
  const ref raised = ref::steal(PyErr_GetRaisedException());
  if (is_lost(here, call) && PyErr_GivenExceptionMatches(raised.get(), here.state->asyncio.cancelled_error)) {
    return answer_lost(here, call);
  }
  const handler_entry& entry = entry_of(here.routes, call.matched.route);
  const module_state& state = *here.state;
  const bool readable = is_readable(here, call);
  PyObject* request = nullptr;
  if (call.view != nullptr || readable) request = make_request(here, call, &entry);
  if (PyErr_Occurred() != nullptr) PyErr_Clear();  // no memory for it: the exception goes on without
  shelter(here, call);
  PyObject* given[] = {here.app, request != nullptr ? request : Py_None, raised.get(), entry.label.get()};
  take_answer(here, call, ref::steal(PyObject_Vectorcall(state.handle_exception, given, 4, nullptr)));
}

}  // namespace fasterapi::bindings
