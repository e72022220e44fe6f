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
  uint32_t rank = 0;
  for (const auto& group : by_origin_) {
    for (const parameter* each : group) parameters_[each->position].rank = rank++;
  }
  needs_python_ = false;
  for (const type& each : types_) needs_python_ = needs_python_ || each.kind == type_kind::foreign;
}

}  // namespace fasterapi::schema
