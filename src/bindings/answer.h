#pragma once

#include <Python.h>

#include "bindings/routes.h"
#include "server/answer_view.h"
#include "server/call.h"

// Turns Python values into answers.
namespace fasterapi::bindings {

struct site;

// Answers with `value` as the route says. False with a Python error set, and nothing sent, when it cannot be encoded.
bool answer_result(site& here, server::call& call, const handler_entry& entry, PyObject* value);

// Answers with (status, raw headers, body). False with a Python error set, and nothing sent, when they are no answer.
bool answer_parts(site& here, server::call& call, PyObject* parts);

// Answers 500 when even the app's exception handling failed. The current exception is reported and taken.
void answer_last_resort(site& here, server::call& call);

}  // namespace fasterapi::bindings
