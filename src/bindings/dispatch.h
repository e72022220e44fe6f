#pragma once

#include <Python.h>

#include "bindings/request_task.h"
#include "fasterapi/python/ref.h"
#include "server/call.h"

// From a call that the shard hands out to the answer that it gets back.
namespace fasterapi::bindings {

struct site;

// Runs the handler of a call, at least up to its first suspension. Whatever it raises is answered.
void run_call(site& here, server::call& call);

// Answers with a handler's result, or with what the app's exception handlers made.
void finish_call(site& here, server::call& call, PyObject* value, outcome_kind kind);

// Answers with what the app has to say of the current exception, which is taken.
void fail_call(site& here, server::call& call);

}  // namespace fasterapi::bindings
