#pragma once

#include "fasterapi/python/gil.h"

namespace fasterapi::python {

// What an interpreter needs that CPython does not do by itself.

// To be called on a thread without Python frames whose code was interrupted. An exception from outside may arrive
// between the taking of an import lock and the `try` that would give it back; this thread's are given back.
void give_back_import_locks(const gil& held);

// To be called before an interpreter ends. False when daemon threads are left in it, which its end would not survive.
// CPython 3.13 makes a note to itself about threads that it did not start, and stumbles over the note when their
// interpreter ends (gh-130522): this takes the note away. Of a thread that could not be started CPython 3.13.0 keeps
// the state (gh-109746), which the interpreter's end would take for a thread's: such are deleted.
bool settle_threads(const gil& held);

}  // namespace fasterapi::python
