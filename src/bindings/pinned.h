#pragma once

#include <Python.h>

namespace fasterapi::bindings {

// The `pinned` strategy: worker threads, each with an own-GIL interpreter and its shard. Adds `serve_pinned` and
// `announce_worker` to the module's functions.
extern PyMethodDef pinned_functions[];

}  // namespace fasterapi::bindings
