#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "fasterapi/python/ref.h"
#include "python/gil_mutex.h"

namespace fasterapi::bindings {

// How the objects of a type become JSON: FastAPI's jsonable_encoder as one word per type.
enum class json_kind : uint8_t {
  unknown,      // what dict(object) or vars(object) give
  refused,      // classes, functions, modules: never data
  model,        // a pydantic model: model_dump(mode="json")
  dataclass,    // its fields, in order
  enumeration,  // its value
  string,       // str and its subclasses
  integer,      // int and its subclasses
  real,         // float and its subclasses
  undefined,    // pydantic's marker for "no value": null
  mapping,      // a subclass of dict
  iterable,     // list, tuple, set, frozenset, deque, generator and their subclasses: an array
  bytes,        // decoded as UTF-8
  moment,       // date, datetime, time: isoformat()
  datetime,     // datetime.datetime itself, not a subclass
  duration,     // timedelta: total_seconds()
  decimal,      // int() without fractional digits, else float()
  pattern,      // re.Pattern: its pattern
  uuid,         // uuid.UUID itself, not a subclass
  text,         // str(object): paths, IP addresses, URLs, secrets
};

struct json_kind_entry {
  json_kind kind = json_kind::unknown;
  python::ref fields;  // of a dataclass: the tuple of its field names
};

// Remembers the kind of the types seen last.
//
// Owner: one interpreter's module state. Holds a bounded number of types alive; a type that falls out is classified
// anew. Classes are looked up among the modules already loaded: nothing is imported, since an object of a class whose
// module nobody loaded cannot exist.
class json_kind_cache {
 public:
  json_kind_cache() noexcept = default;
  ~json_kind_cache() { clear(); }
  json_kind_cache(const json_kind_cache&) = delete;
  json_kind_cache& operator=(const json_kind_cache&) = delete;

  // False with a Python exception set.
  [[nodiscard]] bool find(PyTypeObject* type, json_kind_entry& entry) noexcept;

  int traverse(visitproc visit, void* arg) noexcept;
  void clear() noexcept;

 private:
  static constexpr size_t slot_count = 256;

  struct slot {
    PyTypeObject* type = nullptr;
    PyObject* fields = nullptr;
    json_kind kind = json_kind::unknown;
  };

  slot& slot_of(PyTypeObject* type) noexcept {
    constexpr unsigned alignment_bits = 4;
    const auto address = reinterpret_cast<uintptr_t>(type) >> alignment_bits;
    return slots_[(address ^ (address >> 8)) % slot_count];
  }
  void put(PyTypeObject* type, const json_kind_entry& entry) noexcept;

  std::array<slot, slot_count> slots_{};
  python::gil_mutex mutex_;  // guards slots_
};

}  // namespace fasterapi::bindings
