#include "bindings/future.h"

#include <structmember.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "bindings/detached_wait.h"
#include "bindings/executor_side.h"
#include "core/clock.h"
#include "fasterapi/core/futex.h"
#include "fasterapi/python/errc.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

namespace {

using python::ref;
using phase = remote_call::phase;

struct future_object {
  PyObject_HEAD remote_call* call;  // owned; null in one that was made without an executor
  PyObject* value;                  // the result, once it was asked for
  PyObject* exception;              // the exception, once it was asked for
  PyObject* condition;              // these three are made when somebody asks for one of them
  PyObject* waiters;
  PyObject* callbacks;
  int readers;  // threads that are making the value at this moment
};

future_object* self_of(PyObject* object) noexcept { return reinterpret_cast<future_object*>(object); }

remote_call* call_of(PyObject* object) noexcept {
  remote_call* call = self_of(object)->call;
  if (call == nullptr) PyErr_SetString(PyExc_RuntimeError, "futures of this class are made by executors only");
  return call;
}

executor_parts& parts_of(PyObject* object) noexcept { return state_of_type(Py_TYPE(object)).executor; }

int traverse(PyObject* object, visitproc visit, void* arg) {
  const future_object* self = self_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->value);
  Py_VISIT(self->exception);
  Py_VISIT(self->condition);
  Py_VISIT(self->waiters);
  Py_VISIT(self->callbacks);
  return 0;
}

int clear(PyObject* object) {
  future_object* self = self_of(object);
  Py_CLEAR(self->value);
  Py_CLEAR(self->exception);
  Py_CLEAR(self->condition);
  Py_CLEAR(self->waiters);
  Py_CLEAR(self->callbacks);
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  if (self_of(object)->call != nullptr) self_of(object)->call->release();
  type->tp_free(object);
  Py_DECREF(type);
}

// ---- the outcome

PyObject* abandoned_exception(const executor_parts& parts, const core::error& why) {
  PyObject* type = PyExc_RuntimeError;
  if (why.code == core::errc::timed_out) type = PyExc_TimeoutError;
  if (why.code == python::errc::interpreter_failed) type = parts.broken_error;
  const bool is_late = why.code == core::errc::timed_out;
  const std::string text = is_late ? "the call did not end within its time limit" : why.message;
  return PyObject_CallFunction(type, "s", text.c_str());
}

// Makes the result or the exception of a call that is over, once. False with a Python error set.
bool settle(PyObject* object) {
  future_object* self = self_of(object);
  if (self->value != nullptr || self->exception != nullptr) return true;
  executor_parts& parts = parts_of(object);
  python::border* by = python::border::here();
  if (by == nullptr) return false;
  const phase how = self->call->now();
  ref made;
  ++self->readers;
  if (how == phase::abandoned) {
    made = ref::steal(abandoned_exception(parts, self->call->why()));
  } else {
    made = ref::steal(by->unpack(self->call->outcome()));
    if (made && how == phase::raised) made = ref::steal(PyObject_CallOneArg(parts.rebuild, made.get()));
  }
  // Other threads may have done the same meanwhile. The last of them frees what it was made from.
  if (--self->readers == 0 && made) self->call->outcome() = python::parcel();
  by->settle();
  if (!made) {
    // What cannot be unpacked here is the outcome: asking again tells the same.
    made = ref::steal(PyErr_GetRaisedException());
    if (self->value == nullptr && self->exception == nullptr) self->exception = made.release();
    return true;
  }
  PyObject*& place = how == phase::returned ? self->value : self->exception;
  if (self->value == nullptr && self->exception == nullptr) place = made.release();
  return true;
}

// Waits for the end. False with a Python error set: a TimeoutError, a CancelledError, or what a signal's handler
// raised.
bool await_end(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  remote_call* call = call_of(object);
  PyObject* timeout = Py_None;
  const Py_ssize_t named = keywords != nullptr ? PyTuple_GET_SIZE(keywords) : 0;
  if (call == nullptr) return false;
  if (count + named > 1 ||
      (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, 0), "timeout") != 0)) {
    PyErr_SetString(PyExc_TypeError, "the only argument is timeout, in seconds");
    return false;
  }
  if (count + named == 1) timeout = args[0];
  if (!call->is_over()) {
    int64_t deadline_ns = core::no_deadline;
    if (!read_deadline(timeout, deadline_ns)) return false;
    const int came = wait_detached(deadline_ns, [call](int64_t until_ns) { return call->wait(until_ns); });
    if (came == 0) PyErr_SetNone(PyExc_TimeoutError);
    if (came != 1) return false;
  }
  if (call->now() != phase::cancelled) return true;
  PyErr_SetNone(parts_of(object).cancelled_error);
  return false;
}

PyObject* result(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  if (!await_end(object, args, count, keywords) || !settle(object)) return nullptr;
  future_object* self = self_of(object);
  if (self->value != nullptr) return Py_NewRef(self->value);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(self->exception)), self->exception);
  return nullptr;
}

PyObject* exception(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  if (!await_end(object, args, count, keywords) || !settle(object)) return nullptr;
  return Py_NewRef(self_of(object)->exception != nullptr ? self_of(object)->exception : Py_None);
}

PyObject* done(PyObject* object, PyObject*) {
  remote_call* call = call_of(object);
  return call != nullptr ? PyBool_FromLong(call->is_over()) : nullptr;
}

PyObject* running(PyObject* object, PyObject*) {
  remote_call* call = call_of(object);
  return call != nullptr ? PyBool_FromLong(call->now() == phase::running) : nullptr;
}

PyObject* cancelled(PyObject* object, PyObject*) {
  remote_call* call = call_of(object);
  return call != nullptr ? PyBool_FromLong(call->now() == phase::cancelled) : nullptr;
}

PyObject* cancel(PyObject* object, PyObject*) {
  remote_call* call = call_of(object);
  if (call == nullptr) return nullptr;
  if (!call->cancel()) return PyBool_FromLong(call->now() == phase::cancelled);
  const ref watching = parts_of(object).side->unwatch(*call);
  if (watching) {
    const ref told = ref::steal(PyObject_CallMethod(object, "_announce", nullptr));
    if (!told) return nullptr;
  }
  Py_RETURN_TRUE;
}

// ---- for those who want to be told: what concurrent.futures and asyncio use of a future

// Sees to it that there is a thread that tells of ends. Where the system has none to give, whoever asks next may have
// one.
bool tell_completions(executor_parts& parts) {
  if (parts.side->tells_completions) return true;
  parts.side->tells_completions = true;
  if (ref::steal(PyObject_CallNoArgs(parts.tell_completions))) return true;
  parts.side->tells_completions = false;
  return false;
}

bool observe(PyObject* object) {
  future_object* self = self_of(object);
  remote_call* call = call_of(object);
  if (call == nullptr) return false;
  executor_parts& parts = parts_of(object);
  if (self->condition != nullptr) {
    return (call->word() & remote_call::announced) != 0 || tell_completions(parts);
  }
  ref condition = ref::steal(PyObject_CallNoArgs(parts.condition_class));
  ref waiters = ref::steal(PyList_New(0));
  ref callbacks = ref::steal(PyList_New(0));
  if (!condition || !waiters || !callbacks) return false;
  if (self->condition != nullptr) return true;  // another thread was here meanwhile
  self->condition = condition.release();
  self->waiters = waiters.release();
  self->callbacks = callbacks.release();
  parts.side->watch(*call, object);
  if (remote_call::phase_of(call->mark(remote_call::observed)) >= phase::returned) {
    call->mark(remote_call::announced);
    const ref watching = parts.side->unwatch(*call);
    return true;
  }
  return tell_completions(parts);
}

PyObject* get_condition(PyObject* object, void*) {
  return observe(object) ? Py_NewRef(self_of(object)->condition) : nullptr;
}
PyObject* get_waiters(PyObject* object, void*) {
  return observe(object) ? Py_NewRef(self_of(object)->waiters) : nullptr;
}
PyObject* get_callbacks(PyObject* object, void*) {
  return observe(object) ? Py_NewRef(self_of(object)->callbacks) : nullptr;
}

// While there is somebody who was not told of the end yet, it has not come for those who look.
PyObject* get_state(PyObject* object, void*) {
  static constexpr std::array<const char*, 6> names = {"PENDING",  "RUNNING",  "FINISHED",
                                                       "FINISHED", "FINISHED", "CANCELLED_AND_NOTIFIED"};
  const remote_call* call = call_of(object);
  if (call == nullptr) return nullptr;
  const uint32_t word = call->word();
  phase seen = remote_call::phase_of(word);
  const bool told = (word & remote_call::observed) == 0 || (word & remote_call::announced) != 0;
  if (seen >= phase::returned && !told) seen = phase::running;
  return PyUnicode_InternFromString(names[static_cast<size_t>(seen)]);
}

PyObject* get_result(PyObject* object, void*) {
  if (call_of(object) == nullptr) return nullptr;
  const phase now = self_of(object)->call->now();
  if (now < phase::returned || now == phase::cancelled) Py_RETURN_NONE;
  return settle(object) ? Py_NewRef(self_of(object)->value != nullptr ? self_of(object)->value : Py_None) : nullptr;
}

PyObject* get_exception(PyObject* object, void*) {
  if (call_of(object) == nullptr) return nullptr;
  const phase now = self_of(object)->call->now();
  if (now < phase::returned || now == phase::cancelled) Py_RETURN_NONE;
  return settle(object) ? Py_NewRef(self_of(object)->exception != nullptr ? self_of(object)->exception : Py_None)
                        : nullptr;
}

PyObject* mark_announced(PyObject* object, PyObject*) {
  remote_call* call = call_of(object);
  if (call == nullptr) return nullptr;
  call->mark(remote_call::announced);
  Py_RETURN_NONE;
}

PyCFunction with_keywords(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"result", with_keywords(result), METH_FASTCALL | METH_KEYWORDS,
     "result(timeout=None)\n--\n\nWait for the call and return what it returned, or raise what it raised."},
    {"exception", with_keywords(exception), METH_FASTCALL | METH_KEYWORDS,
     "exception(timeout=None)\n--\n\nWait for the call and return what it raised, or None."},
    {"done", done, METH_NOARGS, "Whether the call has ended or was cancelled."},
    {"running", running, METH_NOARGS, "Whether the call runs at this moment."},
    {"cancelled", cancelled, METH_NOARGS, "Whether the call was cancelled."},
    {"cancel", cancel, METH_NOARGS, "Cancel the call if it has not begun; whether it is cancelled."},
    {"_mark_announced", mark_announced, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"_condition", get_condition, nullptr, nullptr, nullptr},
    {"_waiters", get_waiters, nullptr, nullptr, nullptr},
    {"_done_callbacks", get_callbacks, nullptr, nullptr, nullptr},
    {"_state", get_state, nullptr, nullptr, nullptr},
    {"_result", get_result, nullptr, nullptr, nullptr},
    {"_exception", get_exception, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The C++ half of fasterapi._future.Future.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, nullptr},
};

PyType_Spec spec = {
    .name = "fasterapi._engine.FutureBase",
    .basicsize = sizeof(future_object),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

// The futures whose calls ended since the last time; None when there will be no more.
PyObject* take_completed(PyObject* module, PyObject*) {
  executor_side& side = *state_of(module).executor.side;
  std::vector<remote_call*> ended;
  Py_BEGIN_ALLOW_THREADS;
  ended = side.port().take();
  Py_END_ALLOW_THREADS;
  if (ended.empty()) Py_RETURN_NONE;
  ref futures = ref::steal(PyList_New(0));
  for (remote_call* each : ended) {
    const ref future = side.unwatch(*each);
    each->release();
    if (future && futures && PyList_Append(futures.get(), future.get()) != 0) futures = ref();
  }
  return futures.release();
}

PyMethodDef functions[] = {
    {"take_completed", take_completed, METH_NOARGS, "Wait for futures that have ended; None when there are no more."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool read_deadline(PyObject* seconds, int64_t& deadline_ns) {
  if (seconds == Py_None) return true;
  const double wait_s = PyFloat_AsDouble(seconds);
  if (wait_s == -1.0 && PyErr_Occurred() != nullptr) return false;
  if (std::isnan(wait_s)) {
    PyErr_SetString(PyExc_ValueError, "a time limit is a number of seconds");
    return false;
  }
  constexpr double years_s = 3e9;  // what is more than a lifetime is no bound
  if (wait_s < years_s) deadline_ns = core::monotonic_ns() + static_cast<int64_t>(std::max(wait_s, 0.0) * 1e9);
  return true;
}

PyObject* make_future(module_state& state, remote_call* call) {
  auto* type = reinterpret_cast<PyTypeObject*>(state.executor.future_class);
  PyObject* made = type->tp_alloc(type, 0);
  if (made == nullptr) {
    call->release();
  } else {
    self_of(made)->call = call;
  }
  return made;
}

int add_future(PyObject* module, module_state& state) {
  state.executor.side = new executor_side;
  state.executor.future_base_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  if (state.executor.future_base_type == nullptr) return -1;
  if (PyModule_AddFunctions(module, functions) != 0) return -1;
  return PyModule_AddType(module, state.executor.future_base_type);
}

}  // namespace fasterapi::bindings
