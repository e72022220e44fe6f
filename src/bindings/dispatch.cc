#include "bindings/dispatch.h"

#include <array>
#include <utility>

#include "bindings/answer.h"
#include "bindings/loop.h"
#include "bindings/request.h"
#include "bindings/routes.h"
#include "python/entered_context.h"

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

// Answers with what one of the app's handlers of exceptions and refusals gave, which may be a coroutine.
void take_answer(loop_object* loop, server::call& call, const ref& given) {
  if (!given) return answer_last_resort(loop, call);
  if (!PyCoro_CheckExact(given.get())) return finish_call(loop, call, given.get(), outcome_kind::answer);
  const auto context = entered_context::copy_of_current();
  if (!context) return answer_last_resort(loop, call);
  start_coroutine(loop, call, given.get(), context.get(), outcome_kind::answer);
}

// The app's own answer to a request that the engine would refuse.
void answer_refused(loop_object* loop, server::call& call) {
  module_state& state = state_of_loop(loop);
  const server::call::refusal& refused = call.refused;
  const bool routed = refused.status == 422;
  const handler_entry* entry = routed ? &entry_of(loop->core->routes, call.matched.route) : nullptr;
  PyObject* request = make_request(state, loop, call, entry);
  if (request == nullptr) return answer_last_resort(loop, call);
  loop->core->hold->leave(&call);
  ref given;
  if (routed) {
    given = ref::steal(PyObject_CallFunction(state.handle_validation_error, "OOy#O", loop->core->app, request,
                                             refused.body.data(), static_cast<Py_ssize_t>(refused.body.size()),
                                             entry->label.get()));
  } else {
    const ref headers =
        ref::steal(refused.allow.empty() ? PyDict_New()
                                         : Py_BuildValue("{ss#}", "Allow", refused.allow.data(),
                                                         static_cast<Py_ssize_t>(refused.allow.size())));
    if (!headers) return answer_last_resort(loop, call);
    given = ref::steal(PyObject_CallFunction(state.handle_status, "OOiO", loop->core->app, request, int{refused.status},
                                             headers.get()));
  }
  take_answer(loop, call, given);
}

void refuse_invalid(loop_object* loop, server::call& call, const schema::error_list& errors) {
  enter_shard(loop);
  const auto refusal = loop->core->shard->refuse_invalid(call, errors);
  if (!refusal) return answer_refused(loop, call);
  send_answer(loop, call, *refusal);
}

}  // namespace

void run_call(loop_object* loop, server::call& call) {
  if (call.refused.status != 0) [[unlikely]] {
    return answer_refused(loop, call);
  }
  module_state& state = state_of_loop(loop);
  const handler_entry& entry = entry_of(loop->core->routes, call.matched.route);
  const compiled_plan& plan = *entry.plan;
  PyObject* request = nullptr;
  if (plan.shape.needs_request()) {
    request = make_request(state, loop, call, &entry);
    if (request == nullptr) return fail_call(loop, call);
  }
  loop->core->hold->leave(&call);
  call_arguments arguments(plan.shape.parameter_count());
  if (plan.shape.parameter_count() > 0) {
    schema::error_list errors;
    if (!build_arguments(plan, call.values, request, call.memory, errors, arguments.data())) {
      if (PyErr_Occurred() != nullptr) {
        fail_call(loop, call);
      } else {
        refuse_invalid(loop, call, errors);
      }
      return;
    }
    arguments.filled();
  }
  const auto context = entered_context::copy_of_current();
  if (!context) return fail_call(loop, call);
  const ref result =
      ref::steal(PyObject_Vectorcall(entry.handler.get(), arguments.data(),
                                     plan.positional_count | PY_VECTORCALL_ARGUMENTS_OFFSET, plan.keywords.get()));
  arguments.drop();  // whoever still holds the request from here on asked for it
  if (!result) return fail_call(loop, call);
  if (PyCoro_CheckExact(result.get())) {
    start_coroutine(loop, call, result.get(), context.get(), outcome_kind::result);
  } else {
    finish_call(loop, call, result.get(), outcome_kind::result);
  }
}

void finish_call(loop_object* loop, server::call& call, PyObject* value, outcome_kind kind) {
  if (kind == outcome_kind::answer) {
    if (!answer_parts(loop, call, value)) answer_last_resort(loop, call);
    return;
  }
  const handler_entry& entry = entry_of(loop->core->routes, call.matched.route);
  if (!answer_result(loop, call, entry, value)) fail_call(loop, call);
}

// Logs where a handler was that has been answered for already.
void tell_timeout(loop_object* loop, const server::call& call, PyObject* raised) {
  const handler_entry& entry = entry_of(loop->core->routes, call.matched.route);
  const std::string& id = call.error_id;
  if (!ref::steal(PyObject_CallFunction(state_of_loop(loop).log_timeout, "OOs#", raised, entry.label.get(), id.data(),
                                        static_cast<Py_ssize_t>(id.size())))) {
    PyErr_WriteUnraisable(nullptr);
  }
}

void fail_call(loop_object* loop, server::call& call) {
  enter_shard(loop);
  if (call.refused.status != 0 && call.origin != nullptr) return answer_last_resort(loop, call);
  const ref raised = ref::steal(PyErr_GetRaisedException());
  module_state& state = state_of_loop(loop);
  if (call.timed_out) tell_timeout(loop, call, raised.get());
  if (call.origin == nullptr) return send_answer(loop, call, {});
  const handler_entry& entry = entry_of(loop->core->routes, call.matched.route);
  const bool readable = call.at == server::call::stage::handling || keeps_requests(loop);
  PyObject* request = nullptr;
  if (call.view != nullptr || readable) request = make_request(state, loop, call, &entry);
  if (PyErr_Occurred() != nullptr) PyErr_Clear();  // no memory for it: the exception goes on without
  loop->core->hold->leave(&call);
  PyObject* given[] = {loop->core->app, request != nullptr ? request : Py_None, raised.get(), entry.label.get()};
  take_answer(loop, call, ref::steal(PyObject_Vectorcall(state.handle_exception, given, 4, nullptr)));
}

bool keeps_requests(const loop_object* loop) { return loop->core->keeps_requests; }

}  // namespace fasterapi::bindings
