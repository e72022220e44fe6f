#pragma once

#include <Python.h>

#include "bindings/module_state.h"
#include "bindings/routes.h"
#include "fasterapi/python/ref.h"
#include "server/call.h"

namespace fasterapi::bindings {

struct loop_object;

int add_request(PyObject* module, module_state& state);

// A request for handlers, of the app's Request class, that reads from `call` until it is detached. Null with a Python
// error set. `entry` is null where no route was found.
python::ref make_request(module_state& state, loop_object* loop, server::call& call, const handler_entry* entry);

// Ends the request's view of its call, which is about to be given back: what somebody may still ask for is copied.
// Nothing is copied when `request` is the last reference.
void detach_request(PyObject* request);

}  // namespace fasterapi::bindings
