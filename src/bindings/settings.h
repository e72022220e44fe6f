#pragma once

#include <Python.h>

#include "server/config.h"

namespace fasterapi::bindings {

// Reads a shard's configuration from a dict with the fields of fasterapi.config.ServerConfig; others are ignored.
// False with KeyError, TypeError or OverflowError set.
bool read_settings(PyObject* values, server::config& into);

}  // namespace fasterapi::bindings
