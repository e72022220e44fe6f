#include <string_view>

#include "bindings/compiled_plan.h"
#include "python/ref.h"

namespace fasterapi::bindings {

namespace {

using python::ref;
using schema::value_kind;

enum class foreign_outcome : uint8_t { accepted, refused, failed };

// Calls a parameter's own validator: f(value, location) gives (True, checked value) or (False, JSON of the errors).
foreign_outcome check_foreign(const compiled_plan& plan, size_t index, const schema::value& value, core::arena& arena,
                              schema::error_list& errors, PyObject** checked) {
  const schema::parameter& parameter = plan.shape.at(index);
  const ref input = ref::steal(python::json_object(*value.source));
  if (!input) return foreign_outcome::failed;
  const ref answer = ref::steal(PyObject_CallOneArg(plan.validators[value.type_id].get(), input.get()));
  if (!answer) return foreign_outcome::failed;
  if (!PyTuple_Check(answer.get()) || PyTuple_GET_SIZE(answer.get()) != 2) {
    PyErr_SetString(PyExc_TypeError, "a validator must return a pair");
    return foreign_outcome::failed;
  }
  PyObject* result = PyTuple_GET_ITEM(answer.get(), 1);
  if (PyTuple_GET_ITEM(answer.get(), 0) == Py_True) {
    *checked = Py_NewRef(result);
    return foreign_outcome::accepted;
  }
  if (!PyBytes_Check(result)) {
    PyErr_SetString(PyExc_TypeError, "a validator's errors must be bytes");
    return foreign_outcome::failed;
  }
  const std::string_view entries(PyBytes_AS_STRING(result), static_cast<size_t>(PyBytes_GET_SIZE(result)));
  errors.add_raw(arena, arena.copy(entries), parameter.position);
  return foreign_outcome::refused;
}

PyObject* argument_object(const compiled_plan& plan, size_t index, const schema::value& value, PyObject* request) {
  if (plan.shape.at(index).from == schema::origin::request) return Py_NewRef(request);
  if (value.kind == value_kind::absent) return plan.convert.fall_back(plan.defaults[index]);
  return plan.convert.convert(value);
}

}  // namespace

bool build_arguments(const compiled_plan& plan, const schema::value* values, PyObject* request, core::arena& arena,
                     schema::error_list& errors, PyObject** arguments) {
  size_t made = 0;
  bool refused = false;
  for (const size_t index : plan.call_order) {
    PyObject* argument = nullptr;
    if (values[index].kind == value_kind::foreign) {
      const foreign_outcome outcome = check_foreign(plan, index, values[index], arena, errors, &argument);
      if (outcome == foreign_outcome::failed) break;
      if (outcome == foreign_outcome::refused) {
        refused = true;
        argument = Py_NewRef(Py_None);
      }
    } else {
      argument = argument_object(plan, index, values[index], request);
    }
    if (argument == nullptr) break;
    arguments[made++] = argument;
  }
  if (made == plan.call_order.size() && !refused) return true;
  while (made != 0) Py_DECREF(arguments[--made]);
  return false;
}

bool append_foreign_errors(const compiled_plan& plan, const schema::value* values, core::arena& arena,
                           schema::error_list& errors) {
  for (size_t index = 0; index < plan.shape.parameter_count(); ++index) {
    if (values[index].kind != value_kind::foreign) continue;
    PyObject* checked = nullptr;
    if (check_foreign(plan, index, values[index], arena, errors, &checked) == foreign_outcome::failed) return false;
    Py_XDECREF(checked);
  }
  return true;
}

}  // namespace fasterapi::bindings
