#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

#include "python/held_once.h"

namespace fasterapi::python {

// Objects that were met while a value is walked through; only those that others hold too can be met again.
class seen_objects {
 public:
  // Whether it is the second time.
  bool meets(PyObject* object) {
    if (is_held_once(object)) return false;
    if (count_ < first_.size()) {
      for (size_t i = 0; i < count_; ++i) {
        if (first_[i] == object) return true;
      }
      first_[count_++] = object;
      return false;
    }
    if (others_.empty()) others_.insert(first_.begin(), first_.end());
    return !others_.insert(object).second;
  }

 private:
  size_t count_ = 0;
  std::array<PyObject*, 8> first_;
  std::unordered_set<PyObject*> others_;
};

}  // namespace fasterapi::python
