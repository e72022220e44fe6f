#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/answer_view.h"

namespace fasterapi::server {

struct call;

// An answer on its way from the thread that made it to the shard of its call. Owns its bytes.
//
// Owner: whoever made it, until it is posted; then the shard, which says when it is done with it.
class posted_answer {
 public:
  // Room before a body, for its head.
  static constexpr size_t headroom = 512;

  posted_answer(const posted_answer&) = delete;
  posted_answer& operator=(const posted_answer&) = delete;

  // Copies an answer. False when there was no memory for it: it is one of 500 then.
  bool set(const answer_view& given);
  // An answer of 500, with what to write to the log.
  void set_error(std::string why) { error_ = std::move(why); }
  bool is_error() const noexcept { return !error_.empty(); }
  // There is no answer: the call's deadline has passed, which the shard may not have noticed yet.
  void set_late() noexcept { is_late_ = true; }
  bool is_late() const noexcept { return is_late_; }
  const std::string& error() const noexcept { return error_; }
  // Of an answer that is no error: valid as long as this is.
  answer_view view() const noexcept;

  // The call is over, and the shard has no use for this any more. On its driver's thread.
  virtual void done() noexcept = 0;

  call* to = nullptr;  // which is touched by nobody else once this is posted

 protected:
  posted_answer() = default;
  ~posted_answer() = default;

 private:
  friend class posted_answers;

  posted_answer* next_ = nullptr;
  uint16_t status_ = 200;
  bool close_ = false;
  bool is_late_ = false;
  std::unique_ptr<char[]> bytes_;  // the body, behind its headroom; then content type and fields
  std::string_view body_;
  std::string_view content_type_;
  std::vector<http::h1::response_field> fields_;
  std::string error_;
};

// Posted answers that wait for the driver of their shard: first in, first out.
class posted_answers {
 public:
  posted_answers() = default;
  posted_answers(const posted_answers&) = delete;
  posted_answers& operator=(const posted_answers&) = delete;

  // Any thread. True if the driver is asleep, or about to be, and nobody has been told so before: it is to be woken.
  [[nodiscard]] bool push(posted_answer& posted) noexcept;

  // The driver's.
  bool empty() const noexcept { return first_.load(std::memory_order_relaxed) == nullptr; }
  // It will sleep unless something has been posted: false then, and it must not.
  [[nodiscard]] bool begin_sleep() noexcept;
  void end_sleep() noexcept { asleep_.store(false, std::memory_order_relaxed); }
  // All that were posted, the earliest first; next() walks them.
  posted_answer* take_all() noexcept;
  static posted_answer* next(const posted_answer& of) noexcept { return of.next_; }

 private:
  std::atomic<posted_answer*> first_ = nullptr;  // the latest
  std::atomic<bool> asleep_ = false;
};

}  // namespace fasterapi::server
