#pragma once

#include <Python.h>

#include "bindings/module_state.h"
#include "shared/channel.h"

namespace fasterapi::bindings {

// Each adds a type of shared objects to the module. -1 with a Python error set. The types are bases of those in
// fasterapi/shared.py, which users meet.
int add_shared_counter(PyObject* module, module_state& state);
int add_shared_dict(PyObject* module, module_state& state);
int add_shared_lock(PyObject* module, module_state& state);
int add_shared_event(PyObject* module, module_state& state);
int add_shared_queue(PyObject* module, module_state& state);
int add_shared_channel(PyObject* module, module_state& state);
int add_shared_subscription(PyObject* module, module_state& state);
int add_shared_bell(PyObject* module, module_state& state);

// Of an instance of SharedChannel.
const shared::region& region_of_channel(PyObject* channel_object) noexcept;
shared::channel& channel_of(PyObject* channel_object) noexcept;

}  // namespace fasterapi::bindings
