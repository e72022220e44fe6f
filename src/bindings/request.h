#pragma once

#include <Python.h>

#include "bindings/module_state.h"
#include "bindings/routes.h"
#include "server/call.h"

namespace fasterapi::bindings {

struct site;

int add_request(PyObject* module, module_state& state);

// The request through which Python sees `call`, of the app's Request class: the one that there is already, or else a
// new one. It reads from the call until it is detached. Borrowed from the call; null with a Python error set. `entry`
// is null where no route was found.
PyObject* make_request(const site& here, server::call& call, const handler_entry* entry);

// Ends the view of a call that is about to be given back: what somebody may still ask for is copied. Nothing is copied
// when nobody holds the request any more.
void detach_request(server::call& call);

}  // namespace fasterapi::bindings
