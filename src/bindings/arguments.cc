#include <string_view>

#include "bindings/compiled_plan.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

namespace {

using python::ref;
using schema::value_kind;

enum class foreign_outcome : uint8_t { accepted, refused, failed };

// Calls a parameter's own validator: f(value) gives (True, checked value) or (False, JSON of the errors).
foreign_outcome check_foreign(const compiled_plan& plan, size_t index, const schema::value& value, core::arena& arena,
                              schema::error_list& errors, PyObject** checked) {
  const schema::parameter& parameter = plan.shape.at(index);
  const ref input = ref::steal(python::json_object(value.pending->input));
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
  errors.add_raw(arena, arena.copy(entries), parameter.rank);
  return foreign_outcome::refused;
}

// Drops the arguments made so far: the first `made`, and those that Python code has checked.
void drop_arguments(const compiled_plan& plan, const schema::value* values, PyObject** arguments, size_t made) {
  for (size_t i = 0; i < plan.call_order.size(); ++i) {
    const bool is_foreign = values[plan.call_order[i]].kind == value_kind::foreign;
    if (i < made || is_foreign) Py_CLEAR(arguments[i]);
  }
}

// Checks the values that are left to Python code, all of them before any other argument is made: a request that is
// refused makes none. False with a Python error set.
bool check_foreign_values(const compiled_plan& plan, const schema::value* values, core::arena& arena,
                          schema::error_list& errors, PyObject** arguments, bool& is_refused) {
  for (size_t i = 0; i < plan.call_order.size(); ++i) {
    const schema::value& value = values[plan.call_order[i]];
    if (value.kind != value_kind::foreign) continue;
    arguments[i] = nullptr;
    if (value.pending->refused != nullptr) {
      errors = *value.pending->refused;
      is_refused = true;
    }
  }
  for (size_t i = 0; i < plan.call_order.size(); ++i) {
    const size_t index = plan.call_order[i];
    if (values[index].kind != value_kind::foreign) continue;
    const foreign_outcome outcome = check_foreign(plan, index, values[index], arena, errors, &arguments[i]);
    if (outcome == foreign_outcome::refused) is_refused = true;
    if (outcome != foreign_outcome::failed) continue;
    drop_arguments(plan, values, arguments, 0);
    return false;
  }
  return true;
}

PyObject* argument_object(const compiled_plan& plan, size_t index, const schema::value& value, PyObject* request) {
  if (plan.shape.at(index).from == schema::origin::request) return Py_NewRef(request);
  if (value.kind == value_kind::absent) return plan.convert.fall_back(plan.defaults[index]);
  return plan.convert.convert(value);
}

}  // namespace

bool build_arguments(const compiled_plan& plan, const schema::value* values, PyObject* request, core::arena& arena,
                     schema::error_list& errors, PyObject** arguments) {
  bool is_refused = false;
  if (plan.shape.needs_python() && !check_foreign_values(plan, values, arena, errors, arguments, is_refused)) {
    return false;
  }
  size_t made = 0;
  for (; !is_refused && made < plan.call_order.size(); ++made) {
    const size_t index = plan.call_order[made];
    if (values[index].kind == value_kind::foreign) continue;
    arguments[made] = argument_object(plan, index, values[index], request);
    if (arguments[made] == nullptr) break;
  }
  if (made == plan.call_order.size()) return true;
  drop_arguments(plan, values, arguments, made);
  return false;
}

}  // namespace fasterapi::bindings
