#include "bindings/request_task.h"

#include <structmember.h>

#include <utility>

#include "bindings/dispatch.h"
#include "bindings/loop.h"
#include "bindings/pool_call.h"
#include "bindings/site.h"
#include "python/entered_context.h"

namespace fasterapi::bindings {

using python::ref;

struct request_task {
  PyObject_HEAD vectorcallfunc call_slot;  // the object is its own done-callback
  loop_object* loop;                       // owned
  server::call* call;                      // null once it is answered
  PyObject* coroutine;
  PyObject* context;
  PyObject* waiting_on;  // the future that the coroutine waits for; null when it is in the loop's queue
  PyObject* yielded;     // what the coroutine yielded last, to be passed on to `task`
  PyObject* task;        // the asyncio.Task that drives from now on, if any
  outcome_kind kind;
  bool must_cancel;  // the next step throws CancelledError
  bool ended;        // the coroutine has returned or raised
};

namespace {

request_task* self_of(PyObject* object) noexcept { return reinterpret_cast<request_task*>(object); }
site& site_of(const request_task* self) noexcept { return self->loop->core->here; }
PyObject* as_object(void* object) noexcept { return static_cast<PyObject*>(object); }
PyObject* wake(PyObject* object, PyObject* const* args, size_t count, PyObject* keywords);

ref make_task(loop_object* loop, server::call& call, PyObject* coroutine, PyObject* context, outcome_kind kind) {
  request_task* made = PyObject_GC_New(request_task, state_of_loop(loop).request_task_type);
  if (made == nullptr) return {};
  made->call_slot = wake;
  made->loop = reinterpret_cast<loop_object*>(Py_NewRef(as_object(loop)));
  made->call = &call;
  made->coroutine = Py_NewRef(coroutine);
  made->context = Py_NewRef(context);
  made->waiting_on = made->yielded = made->task = nullptr;
  made->kind = kind;
  made->must_cancel = made->ended = false;
  PyObject_GC_Track(as_object(made));
  return ref::steal(as_object(made));
}

// Its handler's code runs from here on.
void run_on(request_task* self) {
  if (self->call != nullptr) leave_shard(site_of(self), *self->call);
}

// It does not any more, until it is stepped again.
void pause(const request_task* self) {
  if (self->call != nullptr) pause(site_of(self), *self->call);
}

// ---- the end of a coroutine

// Takes the call away from the task: it can be answered only once.
server::call* take_call(request_task* self) {
  self->ended = true;
  server::call* call = std::exchange(self->call, nullptr);
  // The site's reference to the task, which its caller holds for now.
  if (call != nullptr && std::exchange(task_of(site_of(self), *call), nullptr) != nullptr) Py_DECREF(as_object(self));
  return call;
}

void end_with_value(request_task* self, PyObject* value) {
  server::call* call = take_call(self);
  if (call == nullptr) return;
  finish_call(site_of(self), *call, value, self->kind);
}

// With a Python error set, which is taken.
void end_with_error(request_task* self) {
  server::call* call = take_call(self);
  if (call == nullptr) return PyErr_Clear();
  fail_call(site_of(self), *call);
}

// ---- waiting

// Lets the task wait for what its coroutine yielded: nothing (a bare yield: go on in the next turn) or a future.
// False with an error set when it cannot be waited for.
bool wait_for(request_task* self, PyObject* yielded) {
  if (yielded == Py_None) {
    push_ready(self->loop, Py_NewRef(as_object(self)));
    return true;
  }
  const asyncio_parts& asyncio = state_of_loop(self->loop).asyncio;
  const ref blocking = ref::steal(PyObject_GetAttr(yielded, asyncio.blocking_name));
  if (!blocking || blocking.get() != Py_True) {
    if (!blocking && !PyErr_ExceptionMatches(PyExc_AttributeError)) return false;
    PyErr_Format(PyExc_RuntimeError, "a handler awaited something that is not a future of asyncio: %R", yielded);
    return false;
  }
  if (PyObject_SetAttr(yielded, asyncio.blocking_name, Py_False) != 0) return false;
  PyObject* arguments[] = {yielded, as_object(self), self->context};
  const ref added =
      ref::steal(PyObject_VectorcallMethod(asyncio.add_done_callback_name, arguments, 2, asyncio.context_keywords));
  if (!added) return false;
  Py_XSETREF(self->waiting_on, Py_NewRef(yielded));
  if (self->must_cancel) {
    const ref cancelled = ref::steal(PyObject_CallMethodNoArgs(yielded, asyncio.cancel_name));
    if (!cancelled) return false;
    if (cancelled.get() == Py_True) self->must_cancel = false;
  }
  return true;
}

// ---- stepping

struct step_result {
  PySendResult how;
  ref value;
};

// PyIter_Send with a value, or throw() with the current exception (`value` null).
step_result send_or_throw(const asyncio_parts& asyncio, PyObject* coroutine, PyObject* value) {
  PyObject* got = nullptr;
  if (value != nullptr) {
    const PySendResult how = PyIter_Send(coroutine, value, &got);
    return {how, ref::steal(got)};
  }
  const ref raised = ref::steal(PyErr_GetRaisedException());
  got = PyObject_CallMethodOneArg(coroutine, asyncio.throw_name, raised.get());
  if (got != nullptr) return {PYGEN_NEXT, ref::steal(got)};
  if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return {PYGEN_ERROR, {}};
  const ref stop = ref::steal(PyErr_GetRaisedException());
  got = PyObject_GetAttrString(stop.get(), "value");
  return {got == nullptr ? PYGEN_ERROR : PYGEN_RETURN, ref::steal(got)};
}

// One step, with asyncio.current_task() answered on demand. `frame.task` may be set afterwards.
step_result step(loop_object* loop, step_frame& frame, PyObject* value) {
  module_state& state = state_of_loop(loop);
  frame.previous = std::exchange(loop->core->stepping, &frame);
  step_result result = send_or_throw(state.asyncio, frame.coroutine, value);
  loop->core->stepping = frame.previous;
  if (frame.has_asyncio_task) {
    PyObject* raised = PyErr_GetRaisedException();
    PyObject* arguments[] = {as_object(loop), self_of(frame.task.get())->task};
    if (!ref::steal(PyObject_Vectorcall(state.asyncio.leave_task, arguments, 2, nullptr))) PyErr_Clear();
    PyErr_SetRaisedException(raised);
  }
  return result;
}

void continue_after(request_task* self, step_result result);

// A step of a task that no asyncio.Task drives. The context is entered already.
void step_task(request_task* self) {
  module_state& state = state_of_loop(self->loop);
  PyObject* value = Py_None;
  if (self->must_cancel) {
    self->must_cancel = false;
    value = nullptr;
    PyErr_SetNone(state.asyncio.cancelled_error);
  }
  step_frame frame{self->coroutine, self->context, ref::share(as_object(self)), nullptr};
  continue_after(self, step(self->loop, frame, value));
}

void continue_after(request_task* self, step_result result) {
  while (result.how == PYGEN_NEXT) {
    if (self->task != nullptr) {
      // The asyncio.Task was made during this step: its own first step will find this.
      Py_XSETREF(self->yielded, result.value.release());
      return pause(self);
    }
    if (wait_for(self, result.value.get())) return pause(self);
    step_frame frame{self->coroutine, self->context, ref::share(as_object(self)), nullptr};
    result = step(self->loop, frame, nullptr);
  }
  if (result.how == PYGEN_RETURN) {
    end_with_value(self, result.value.get());
  } else {
    end_with_error(self);
  }
}

// Done-callback of the future that the task waits for; runs in the task's context.
PyObject* wake(PyObject* object, PyObject* const* args, size_t count, PyObject*) {
  request_task* self = self_of(object);
  const ref keep = ref::share(object);
  Py_CLEAR(self->waiting_on);
  if (self->ended || PyVectorcall_NARGS(count) != 1) Py_RETURN_NONE;
  run_on(self);
  const asyncio_parts& asyncio = state_of_loop(self->loop).asyncio;
  // asyncio's own futures raise by themselves when the coroutine goes on; others are asked for their exception.
  if (!self->must_cancel && !Py_IS_TYPE(args[0], asyncio.future_type) && !Py_IS_TYPE(args[0], asyncio.task_type) &&
      !ref::steal(PyObject_CallMethodNoArgs(args[0], asyncio.result_name))) {
    step_frame frame{self->coroutine, self->context, ref::share(object), nullptr};
    continue_after(self, step(self->loop, frame, nullptr));
    Py_RETURN_NONE;
  }
  step_task(self);
  Py_RETURN_NONE;
}

// ---- the coroutine protocol, for the asyncio.Task that drives

// What a step that the asyncio.Task made leads to.
PySendResult pass_on(request_task* self, step_result result, PyObject** value) {
  switch (result.how) {
    case PYGEN_NEXT:
      *value = result.value.release();
      pause(self);
      return PYGEN_NEXT;
    case PYGEN_RETURN:
      end_with_value(self, result.value.get());
      break;
    case PYGEN_ERROR: {
      const bool cancelled = PyErr_ExceptionMatches(state_of_loop(self->loop).asyncio.cancelled_error) != 0;
      end_with_error(self);
      if (!cancelled) break;
      PyErr_SetNone(state_of_loop(self->loop).asyncio.cancelled_error);
      *value = nullptr;
      return PYGEN_ERROR;
    }
  }
  *value = Py_NewRef(Py_None);
  return PYGEN_RETURN;
}

PySendResult send(PyObject* object, PyObject* sent, PyObject** value) {
  request_task* self = self_of(object);
  const ref keep = ref::share(object);
  if (self->ended) {
    *value = Py_NewRef(Py_None);
    return PYGEN_RETURN;
  }
  if (self->yielded != nullptr) {
    *value = std::exchange(self->yielded, nullptr);
    return PYGEN_NEXT;
  }
  run_on(self);
  return pass_on(self, send_or_throw(state_of_loop(self->loop).asyncio, self->coroutine, sent), value);
}

PyObject* as_method_result(PySendResult how, PyObject* value) {
  if (how != PYGEN_RETURN) return value;
  const ref result = ref::steal(value);
  PyErr_SetObject(PyExc_StopIteration, result.get());
  return nullptr;
}

PyObject* send_method(PyObject* object, PyObject* sent) {
  PyObject* value;
  const PySendResult how = send(object, sent, &value);
  return as_method_result(how, value);
}

PyObject* throw_method(PyObject* object, PyObject* args) {
  request_task* self = self_of(object);
  PyObject* raised;
  if (!PyArg_ParseTuple(args, "O", &raised)) return nullptr;
  const ref keep = ref::share(object);
  const asyncio_parts& asyncio = state_of_loop(self->loop).asyncio;
  if (self->ended) return as_method_result(PYGEN_RETURN, Py_NewRef(Py_None));
  if (self->yielded != nullptr && self->yielded != Py_None) {
    // Cancelled before it could wait: what it was going to wait for is cancelled with it.
    if (!ref::steal(PyObject_CallMethodNoArgs(self->yielded, asyncio.cancel_name))) PyErr_Clear();
  }
  Py_CLEAR(self->yielded);
  run_on(self);
  PyErr_SetObject(PyExceptionInstance_Check(raised) ? reinterpret_cast<PyObject*>(Py_TYPE(raised)) : raised,
                  PyExceptionInstance_Check(raised) ? raised : nullptr);
  PyObject* value;
  const PySendResult how = pass_on(self, send_or_throw(asyncio, self->coroutine, nullptr), &value);
  return as_method_result(how, value);
}

PyObject* close_method(PyObject* object, PyObject*) {
  return PyObject_CallMethod(self_of(object)->coroutine, "close", nullptr);
}
PyObject* await(PyObject* object) { return Py_NewRef(object); }
PyObject* next(PyObject* object) { return send_method(object, Py_None); }

// Tools that look into a task (print_stack, debuggers) see the handler's coroutine.
PyObject* get_attribute(PyObject* object, PyObject* name) {
  PyObject* found = PyObject_GenericGetAttr(object, name);
  if (found != nullptr || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
  PyErr_Clear();
  return PyObject_GetAttr(self_of(object)->coroutine, name);
}

PyObject* represent(PyObject* object) { return PyUnicode_FromFormat("<request %R>", self_of(object)->coroutine); }

// ---- the type

int traverse(PyObject* object, visitproc visit, void* arg) {
  request_task* self = self_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(as_object(self->loop));
  Py_VISIT(self->coroutine);
  Py_VISIT(self->context);
  Py_VISIT(self->waiting_on);
  Py_VISIT(self->yielded);
  Py_VISIT(self->task);
  return 0;
}

int clear(PyObject* object) {
  request_task* self = self_of(object);
  Py_CLEAR(self->waiting_on);
  Py_CLEAR(self->yielded);
  Py_CLEAR(self->task);
  return 0;
}

void deallocate(PyObject* object) {
  request_task* self = self_of(object);
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  Py_CLEAR(self->coroutine);
  Py_CLEAR(self->context);
  Py_CLEAR(self->loop);
  PyObject_GC_Del(object);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"send", send_method, METH_O, nullptr},
    {"throw", throw_method, METH_VARARGS, nullptr},
    {"close", close_method, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(request_task, call_slot), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A request whose handler is suspended.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_getattro, reinterpret_cast<void*>(get_attribute)},
    {Py_tp_iternext, reinterpret_cast<void*>(next)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_am_await, reinterpret_cast<void*>(await)},
    {Py_am_send, reinterpret_cast<void*>(send)},
    {0, nullptr},
};

PyType_Spec spec = {
    .name = "fasterapi._engine.RequestTask",
    .basicsize = sizeof(request_task),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = slots,
};

// The asyncio.Task that is to drive the step's coroutine after this step, entered as the current one. Borrowed.
PyObject* materialise(module_state& state, loop_object* loop, step_frame& frame) {
  request_task* self = self_of(frame.task.get());
  if (self->task != nullptr) return self->task;
  const ref arguments = ref::steal(PyTuple_Pack(1, as_object(self)));
  const ref keywords = ref::steal(Py_BuildValue("{sOsO}", "loop", as_object(loop), "context", self->context));
  if (!arguments || !keywords) return nullptr;
  ref made =
      ref::steal(PyObject_Call(reinterpret_cast<PyObject*>(state.asyncio.task_type), arguments.get(), keywords.get()));
  if (!made) return nullptr;
  PyObject* entering[] = {as_object(loop), made.get()};
  if (!ref::steal(PyObject_Vectorcall(state.asyncio.enter_task, entering, 2, nullptr))) return nullptr;
  self->task = made.release();
  frame.has_asyncio_task = true;
  return self->task;
}

}  // namespace

int add_request_task(PyObject* module, module_state& state) {
  state.request_task_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return state.request_task_type == nullptr ? -1 : 0;
}

void start_coroutine(site& here, server::call& call, PyObject* coroutine, PyObject* context, outcome_kind kind) {
  loop_object* loop = here.loop;
  if (!here.drives_loop) {
    if (!pool_call::of(call).hand_over(here, coroutine, context, kind)) {
      answer_internal_error(here, call, "the handler's interpreter is ending");
    }
    return;
  }
  show_loop(loop);
  // A task object is made only if the coroutine suspends, or asks for its asyncio.Task.
  first_step first{&call, kind};
  step_frame frame{coroutine, context, {}, nullptr, false, &first};
  step_result result = step(loop, frame, Py_None);
  if (result.how != PYGEN_NEXT) {
    if (frame.task) drop_request(frame.task.get());
    if (result.how == PYGEN_RETURN) return finish_call(here, call, result.value.get(), kind);
    return fail_call(here, call);
  }
  if (!frame.task) frame.task = make_task(loop, call, coroutine, context, kind);
  if (!frame.task || !suspend(here, call, call.view != nullptr || here.keeps_requests)) {
    if (!PyErr_Occurred()) PyErr_NoMemory();
    return fail_call(here, call);
  }
  task_of(here, call) = Py_NewRef(frame.task.get());
  leave_shard(here, call);
  continue_after(self_of(frame.task.get()), std::move(result));
}

void resume_request(PyObject* object) {
  request_task* self = self_of(object);
  if (self->ended) return;
  run_on(self);
  const python::entered_context context(ref::share(self->context));
  if (!context) return end_with_error(self);
  step_task(self);
}

void cancel_request(PyObject* task) {
  const ref keep = ref::share(task);
  request_task* self = self_of(keep.get());
  const asyncio_parts& asyncio = state_of_loop(self->loop).asyncio;
  PyObject* target = self->task != nullptr ? self->task : self->waiting_on;
  if (target == nullptr) {
    self->must_cancel = true;
    return;
  }
  const ref target_kept = ref::share(target);
  const ref cancelled = ref::steal(PyObject_CallMethodNoArgs(target, asyncio.cancel_name));
  if (!cancelled) {
    PyErr_WriteUnraisable(target);
  } else if (self->task == nullptr && cancelled.get() != Py_True) {
    self->must_cancel = true;
  }
}

void drop_request(PyObject* task) {
  self_of(task)->ended = true;
  self_of(task)->call = nullptr;
}

PyObject* current_task(PyObject* module, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  module_state& state = state_of(module);
  ref known = ref::steal(PyObject_Vectorcall(state.asyncio.current_task, args, static_cast<size_t>(count), keywords));
  if (!known || known.get() != Py_None) return known.release();
  const ref running = ref::steal(PyObject_CallNoArgs(state.asyncio.get_running_loop));
  if (!running) return nullptr;
  if (!PyObject_TypeCheck(running.get(), state.loop_type)) return known.release();
  PyObject* asked = count > 0 ? args[0] : keywords != nullptr && PyTuple_GET_SIZE(keywords) > 0 ? args[0] : Py_None;
  auto* loop = reinterpret_cast<loop_object*>(running.get());
  step_frame* frame = loop->core->stepping;
  if (frame == nullptr || (asked != Py_None && asked != running.get())) return known.release();
  if (!frame->task) {
    const first_step& first = *frame->first;
    frame->task = make_task(loop, *first.call, frame->coroutine, frame->context, first.kind);
    if (!frame->task) return nullptr;
  }
  return Py_XNewRef(materialise(state, loop, *frame));
}

}  // namespace fasterapi::bindings
