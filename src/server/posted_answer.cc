#include "server/posted_answer.h"

#include <cstring>
#include <new>
#include <utility>

namespace fasterapi::server {

bool posted_answer::set(const answer_view& given) {
  size_t size = headroom + given.body.size() + given.content_type.size();
  for (const auto& field : given.fields) size += field.name.size() + field.value.size();
  bytes_.reset(new (std::nothrow) char[size]);
  if (bytes_ == nullptr) {
    set_error("out of memory");
    return false;
  }
  char* to = bytes_.get() + headroom;
  const auto copy = [&to](std::string_view from) {
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
    return std::string_view(std::exchange(to, to + from.size()), from.size());
  };
  status_ = given.status;
  close_ = given.close;
  body_ = copy(given.body);
  content_type_ = copy(given.content_type);
  fields_.reserve(given.fields.size());
  for (const auto& field : given.fields) {
    const std::string_view name = copy(field.name);
    fields_.push_back({name, copy(field.value)});
  }
  return true;
}

answer_view posted_answer::view() const noexcept {
  answer_view seen;
  seen.status = status_;
  seen.content_type = content_type_;
  seen.fields = fields_;
  seen.body = body_;
  seen.headroom = headroom;
  seen.close = close_;
  return seen;
}

// Either this sees that the driver is asleep, or the driver sees what was pushed: each writes before it looks.
bool posted_answers::push(posted_answer& posted) noexcept {
  posted.next_ = first_.load(std::memory_order_relaxed);
  while (!first_.compare_exchange_weak(posted.next_, &posted, std::memory_order_seq_cst, std::memory_order_relaxed)) {
  }
  return asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false, std::memory_order_relaxed);
}

bool posted_answers::begin_sleep() noexcept {
  asleep_.store(true, std::memory_order_seq_cst);
  if (first_.load(std::memory_order_seq_cst) == nullptr) return true;
  end_sleep();
  return false;
}

posted_answer* posted_answers::take_all() noexcept {
  if (empty()) return nullptr;
  posted_answer* latest = first_.exchange(nullptr, std::memory_order_acquire);
  posted_answer* earliest = nullptr;
  while (latest != nullptr) {
    posted_answer* following = latest->next_;
    latest->next_ = earliest;
    earliest = latest;
    latest = following;
  }
  return earliest;
}

}  // namespace fasterapi::server
