#include "schema/errors.h"

namespace fasterapi::schema {

error* error_list::add(core::arena& arena, const location& where, std::string_view type, std::string_view message,
                       const json::value& input) noexcept {
  auto* entry = arena.make<error>();
  uint32_t depth = 0;
  for (const location* at = &where; at != nullptr; at = at->parent) ++depth;
  auto* steps = entry == nullptr ? nullptr : arena.make_array<step>(depth);
  if (steps == nullptr) {
    failed_ = true;
    return nullptr;
  }
  uint32_t index = depth;
  for (const location* at = &where; at != nullptr; at = at->parent) steps[--index] = at->here;
  entry->type = type;
  entry->message = message;
  entry->input = input;
  entry->steps = steps;
  entry->step_count = depth;
  entry->rank = current_rank;
  link(entry);
  return entry;
}

void error_list::add_raw(core::arena& arena, std::string_view entries, uint32_t rank) noexcept {
  auto* entry = arena.make<error>();
  if (entry == nullptr) {
    failed_ = true;
    return;
  }
  entry->raw = entries;
  entry->rank = rank;
  error* before = nullptr;
  for (error* at = first_; at != nullptr && at->rank <= rank; at = at->next) before = at;
  if (before == last_) {
    link(entry);
    return;
  }
  error*& link_to = before == nullptr ? first_ : before->next;
  entry->next = link_to;
  link_to = entry;
  ++size_;
}

void error_list::rewind(const mark& to) noexcept {
  last_ = to.last;
  size_ = to.size;
  (last_ == nullptr ? first_ : last_->next) = nullptr;
}

void error_list::append(const error_list& other) noexcept {
  failed_ = failed_ || other.failed_;
  if (other.status_ == status::bad_request) status_ = status::bad_request;
  if (other.first_ == nullptr) return;
  (last_ == nullptr ? first_ : last_->next) = other.first_;
  last_ = other.last_;
  size_ += other.size_;
}

void error_list::link(error* entry) noexcept {
  (last_ == nullptr ? first_ : last_->next) = entry;
  last_ = entry;
  ++size_;
}

}  // namespace fasterapi::schema
