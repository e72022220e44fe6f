#include "schema/plan.h"

namespace fasterapi::schema {

type& plan::add_type() {
  type& added = types_.emplace_back();
  added.id = static_cast<uint16_t>(types_.size() - 1);
  return added;
}

void plan::finish() {
  for (auto& group : by_origin_) group.clear();
  for (size_t index = 0; index < parameters_.size(); ++index) {
    parameters_[index].position = static_cast<uint32_t>(index);
    by_origin_[static_cast<size_t>(parameters_[index].from)].push_back(&parameters_[index]);
  }
  needs_python_ = false;
  for (const type& each : types_) needs_python_ = needs_python_ || each.kind == type_kind::foreign;
}

}  // namespace fasterapi::schema
