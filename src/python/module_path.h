#pragma once

#include <Python.h>

#include <string>
#include <vector>

// sys.path on its way from one interpreter to another, as names of files are encoded. Called attached.
namespace fasterapi::python {

// The entries of a list. False with a Python error set.
bool read_module_path(PyObject* list, std::vector<std::string>& to);

// Sets sys.path of the interpreter that the thread is attached to. False with a Python error set.
bool set_module_path(const std::vector<std::string>& entries) noexcept;

}  // namespace fasterapi::python
