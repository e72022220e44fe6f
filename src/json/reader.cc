#include "json/reader.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <new>

#include "json/encoding.h"
#include "json/repeated_keys.h"
#include "json/scanner.h"

namespace fasterapi::json {

namespace {

namespace dom = simdjson::dom;

// The parser's buffers grow by doubling from here, and are given back past `kept_capacity`.
constexpr size_t smallest_capacity = 4096;
constexpr size_t kept_capacity = size_t{1} << 20;

// simdjson counts a container's elements only up to this number.
constexpr size_t saturated_count = 0xFFFFFF;

// Builds a value from simdjson's tape; strings stay in the parser's buffer.
class tape_walker {
 public:
  explicit tape_walker(core::arena& arena) noexcept : arena_(arena) {}

  bool walk(dom::element from, value& out) noexcept {
    switch (from.type()) {
      case dom::element_type::NULL_VALUE:
        out = value::of_null();
        return true;
      case dom::element_type::BOOL:
        out = value::of_boolean(from.get_bool().value_unsafe());
        return true;
      case dom::element_type::INT64:
        out = value::of_integer(from.get_int64().value_unsafe());
        return true;
      case dom::element_type::DOUBLE:
        out = value::of_real(from.get_double().value_unsafe());
        return true;
      case dom::element_type::STRING:
        out = value::of_text(from.get_string().value_unsafe());
        return true;
      case dom::element_type::UINT64:
        return walk_big(from.get_uint64().value_unsafe(), out);
      case dom::element_type::ARRAY:
        return walk_array(from.get_array().value_unsafe(), out);
      case dom::element_type::OBJECT:
        return walk_object(from.get_object().value_unsafe(), out);
    }
    return false;
  }

 private:
  bool walk_big(uint64_t from, value& out) noexcept {
    constexpr size_t digits_max = 20;
    char* to = arena_.make_array<char>(digits_max);
    if (to == nullptr) return false;
    const auto [end, failure] = std::to_chars(to, to + digits_max, from);
    out = value::of_text({to, static_cast<size_t>(end - to)}, kind::big_integer);
    return true;
  }

  template <typename Container>
  static size_t count(const Container& of) noexcept {
    const size_t known = of.size();
    if (known < saturated_count) return known;
    size_t counted = 0;
    for (auto at = of.begin(); at != of.end(); ++at) ++counted;
    return counted;
  }

  bool walk_array(dom::array from, value& out) noexcept {
    const size_t size = count(from);
    value* items = arena_.make_array<value>(size);
    if (items == nullptr) return false;
    value* item = items;
    for (const dom::element each : from) {
      if (!walk(each, *item++)) return false;
    }
    out = value::of_items(items, static_cast<uint32_t>(size));
    return true;
  }

  bool walk_object(dom::object from, value& out) noexcept {
    const size_t size = count(from);
    member* members = arena_.make_array<member>(size);
    if (members == nullptr) return false;
    member* added = members;
    for (const dom::key_value_pair each : from) {
      added->key = value::of_text(each.key);
      if (!walk(each.value, (added++)->item)) return false;
    }
    const uint32_t kept = drop_repeated_keys(members, static_cast<uint32_t>(size), arena_);
    out = value::of_members(members, kept);
    return kept != no_members;
  }

  core::arena& arena_;
};

}  // namespace

reader::reader(uint32_t depth_max) noexcept : depth_max_(depth_max) {}

reader::~reader() = default;

bool reader::prepare(size_t size) noexcept {
  const bool is_oversized = parser_ != nullptr && parser_->capacity() > kept_capacity && size <= kept_capacity;
  if (parser_ == nullptr || is_oversized) parser_.reset(new (std::nothrow) dom::parser());
  if (parser_ == nullptr) return false;
  if (parser_->capacity() >= size && parser_->capacity() != 0) return true;
  if (parser_->allocate(std::bit_ceil(std::max(size, smallest_capacity)), depth_max_) == simdjson::SUCCESS) return true;
  parser_.reset();  // it may believe to have what it was not given
  return false;
}

read_status reader::read(std::string_view text, core::arena& arena, value& out) noexcept {
  if (text.empty()) return read_slowly(text, arena, out);
  if (!prepare(text.size())) return read_status::unreadable;
  dom::element root;
  const simdjson::error_code failure = parser_->parse(text.data(), text.size(), true).get(root);
  if (failure == simdjson::SUCCESS) {
    return tape_walker(arena).walk(root, out) ? read_status::ok : read_status::unreadable;
  }
  if (failure == simdjson::MEMALLOC) parser_.reset();
  return read_slowly(text, arena, out);
}

read_status reader::read_slowly(std::string_view text, core::arena& arena, value& out) noexcept {
  std::string_view utf8;
  if (!to_utf8(text, arena, utf8)) return read_status::unreadable;
  scanner scan(utf8, depth_max_, arena);
  switch (scan.scan(out)) {
    case scanner::outcome::ok:
      return read_status::ok;
    case scanner::outcome::too_large:
      return read_status::unreadable;
    case scanner::outcome::invalid:
      break;
  }
  problem_ = {scan.message(), scan.position()};
  return read_status::invalid;
}

}  // namespace fasterapi::json
