#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "core/byte_buffer.h"
#include "json/value.h"

namespace fasterapi::schema {

// One step from the request's root to a value: a name ("query", a key) or an index of a list.
struct step {
  std::string_view name;
  int64_t index = -1;  // used when `name` has no data

  static step of(std::string_view name) noexcept { return {name.data() == nullptr ? std::string_view("") : name, -1}; }
  static step of(int64_t index) noexcept { return {{}, index}; }
  bool is_index() const noexcept { return name.data() == nullptr; }
};

// Where a check is: a chain of steps on the stack of the checks themselves, copied only when an error is recorded.
struct location {
  const location* parent = nullptr;
  step here;
};

// One entry of the 422 body's "detail". Views into the request, the plan or the arena.
struct error {
  std::string_view type;
  std::string_view message;
  std::string_view context;  // the JSON object of "ctx", ready to be written; empty when there is none
  std::string_view raw;      // when not empty: the whole entry as JSON objects joined by ',', made elsewhere
  const step* steps = nullptr;
  uint32_t step_count = 0;
  uint32_t rank = 0;  // of the parameter: its place in the order of checking
  json::value input;
  error* next = nullptr;
};

// All errors of one request, in the order in which the checks found them.
//
// Owner: the thread that checks; the entries live in the arena that add() was given.
class error_list {
 public:
  enum class status : uint16_t {
    unprocessable = 422,  // the entries say what is wrong
    bad_request = 400,    // the body could not be read at all; there are no entries
  };

  void clear() noexcept { *this = error_list(); }
  // Nothing is wrong.
  bool empty() const noexcept { return first_ == nullptr && status_ == status::unprocessable && !failed_; }
  uint32_t size() const noexcept { return size_; }
  const error* first() const noexcept { return first_; }

  status http_status() const noexcept { return status_; }
  void set_bad_request() noexcept { status_ = status::bad_request; }
  // True once memory ran out while errors were recorded: the request is answered 500 instead.
  bool failed() const noexcept { return failed_; }
  void set_failed() noexcept { failed_ = true; }

  // A place in the list; rewind() drops the entries that were added after it.
  struct mark {
    error* last = nullptr;
    uint32_t size = 0;
  };
  mark here() const noexcept { return {last_, size_}; }
  void rewind(const mark& to) noexcept;

  // Appends an entry located at `where`; null when memory ran out.
  error* add(core::arena& arena, const location& where, std::string_view type, std::string_view message,
             const json::value& input) noexcept;
  // Puts ready-made JSON entries where the parameter of that rank has its place.
  void add_raw(core::arena& arena, std::string_view entries, uint32_t rank) noexcept;

  // The entries of `other` after our own; `other` must not be used again.
  void append(const error_list& other) noexcept;

  uint32_t current_rank = 0;  // of the parameter being checked: stamped on entries as they are added

 private:
  void link(error* entry) noexcept;

  error* first_ = nullptr;
  error* last_ = nullptr;
  uint32_t size_ = 0;
  status status_ = status::unprocessable;
  bool failed_ = false;
};

// Writes the body that FastAPI answers with: {"detail":[…]}, or {"detail":"…"} for bad_request.
void write_errors(const error_list& errors, core::byte_buffer& out) noexcept;

}  // namespace fasterapi::schema
