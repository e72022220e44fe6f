#include "schema/checker.h"

namespace fasterapi::schema {

// Pydantic's smart mode: every member is tried; an exact match wins at once, otherwise the member of whose fields most
// were sent, then the closest conversion, then the first.
bool checker::check_union(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  if (union_tries_left_ == 0) {
    errors_->set_bad_request();
    return false;
  }
  --union_tries_left_;
  error_list* const kept_errors = errors_;
  const exactness kept_exactness = exactness_;
  const int32_t kept_fields = fields_set_;

  error_list refusals;
  bool found = false;
  bool found_exactly = false;
  exactness best_exactness = exactness::lax;
  int32_t best_fields = no_fields;
  for (size_t i = 0; i < expected.members.size() && !found_exactly; ++i) {
    error_list attempt;
    attempt.current_rank = kept_errors->current_rank;
    errors_ = &attempt;
    exactness_ = exactness::exact;
    fields_set_ = no_fields;
    value candidate;
    const location here{&where, step::of(expected.labels[i])};
    if (!check(*expected.members[i], input, here, candidate)) {
      if (!found) refusals.append(attempt);
      continue;
    }
    found_exactly = exactness_ == exactness::exact && fields_set_ == no_fields;
    const bool counts_fields = best_fields != no_fields && fields_set_ != no_fields && best_fields != fields_set_;
    const bool is_better = counts_fields ? best_fields < fields_set_ : best_exactness < exactness_;
    if (found && !found_exactly && !is_better) continue;
    found = true;
    best_exactness = exactness_;
    best_fields = fields_set_;
    out = candidate;
  }
  errors_ = kept_errors;
  exactness_ = kept_exactness;
  fields_set_ = kept_fields;
  if (!found) {
    errors_->append(refusals);
    return false;
  }
  if (!found_exactly) {
    lower(best_exactness);
    if (best_fields != no_fields) fields_set_ = (fields_set_ == no_fields ? 0 : fields_set_) + best_fields;
  }
  return true;
}

}  // namespace fasterapi::schema
