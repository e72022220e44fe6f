#include "schema/wire.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "http/cookie.h"
#include "http/url.h"

namespace fasterapi::schema {

namespace {

constexpr size_t longest_header_name = 128;  // longer ones are no parameter's

struct occurrence {
  json::value input;
  occurrence* next;
};

// Values found so far for one parameter that collects.
struct occurrences {
  occurrence* first = nullptr;
  occurrence* last = nullptr;
  uint32_t count = 0;
};

// The UTF-8 of ISO 8859-1 text; views `text` when it is ASCII.
std::string_view from_latin1(std::string_view text, core::arena& arena) noexcept {
  const auto wide =
      static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; }));
  if (wide == 0) return text;
  char* to = arena.make_array<char>(text.size() + wide);
  if (to == nullptr) return {};
  size_t size = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      to[size++] = c;
    } else {
      to[size++] = static_cast<char>(0xC0 | (byte >> 6));
      to[size++] = static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return {to, size};
}

// Gathers the values of the wanted parameters as their names come by.
class gatherer {
 public:
  gatherer(std::span<const parameter* const> wanted, core::arena& arena) noexcept
      : wanted_(wanted), arena_(arena), found_(arena.make_array<wire_value>(wanted.size())) {
    const bool collects = std::any_of(wanted.begin(), wanted.end(), [](const parameter* p) { return p->collects; });
    if (collects) lists_ = arena.make_array<occurrences>(wanted.size());
    failed_ = found_ == nullptr || (collects && lists_ == nullptr);
  }

  bool failed() const noexcept { return failed_; }

  // Whether some parameter is called `name`.
  bool wants(std::string_view name) const noexcept {
    return std::any_of(wanted_.begin(), wanted_.end(), [name](const parameter* p) { return p->alias == name; });
  }

  // Hands `text` to every parameter called `name`.
  void offer(std::string_view name, std::string_view text, bool first_wins) noexcept {
    for (size_t i = 0; i < wanted_.size(); ++i) {
      const std::string& alias = wanted_[i]->alias;
      if (alias.size() != name.size() || std::memcmp(alias.data(), name.data(), name.size()) != 0) continue;
      if (first_wins && found_[i].sent && !wanted_[i]->collects) continue;
      found_[i].sent = true;
      found_[i].input = json::value::of_text(text);
      if (wanted_[i]->collects) append(lists_[i], found_[i].input);
    }
  }

  wire_value* finish() noexcept {
    for (size_t i = 0; i < wanted_.size(); ++i) {
      wire_value& found = found_[i];
      if (!found.sent) continue;
      if (wanted_[i]->collects) found.input = flatten(lists_[i]);
      if (wanted_[i]->is_sequence && found.input.size == 0) found.sent = false;
    }
    return failed_ ? nullptr : found_;
  }

 private:
  void append(occurrences& list, const json::value& input) noexcept {
    auto* added = arena_.make<occurrence>();
    if (added == nullptr) {
      failed_ = true;
      return;
    }
    added->input = input;
    (list.last == nullptr ? list.first : list.last->next) = added;
    list.last = added;
    ++list.count;
  }

  json::value flatten(const occurrences& list) noexcept {
    auto* items = arena_.make_array<json::value>(list.count);
    if (items == nullptr) {
      failed_ = true;
      return {};
    }
    size_t at = 0;
    for (const occurrence* each = list.first; each != nullptr; each = each->next) items[at++] = each->input;
    return json::value::of_items(items, list.count);
  }

  std::span<const parameter* const> wanted_;
  core::arena& arena_;
  wire_value* found_;
  occurrences* lists_ = nullptr;
  bool failed_ = false;
};

void gather_query(gatherer& into, std::string_view query, core::arena& arena) noexcept {
  http::query_reader pairs(query, arena);
  for (http::name_value pair; pairs.next(pair);) into.offer(pair.name, pair.value, false);
}

void gather_headers(gatherer& into, const http::request_head& head, core::arena& arena) noexcept {
  char lower[longest_header_name];
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const std::string_view name = head.view(head.fields[i].name);
    if (name.size() > sizeof lower) continue;
    std::transform(name.begin(), name.end(), lower,
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const std::string_view folded(lower, name.size());
    if (into.wants(folded)) into.offer(folded, from_latin1(head.view(head.fields[i].value), arena), true);
  }
}

void gather_cookies(gatherer& into, const http::request_head& head, core::arena& arena) noexcept {
  for (uint32_t i = 0; i < head.field_count; ++i) {
    if (head.fields[i].id != http::field_id::cookie) continue;
    http::cookie_reader pairs(head.view(head.fields[i].value), arena);
    for (http::name_value pair; pairs.next(pair);) into.offer(pair.name, pair.value, false);
  }
}

}  // namespace

wire_value* collect(origin from, std::span<const parameter* const> wanted, const http::request_head& head,
                    core::arena& arena) noexcept {
  gatherer into(wanted, arena);
  if (into.failed()) return nullptr;
  if (from == origin::query) gather_query(into, head.view(head.query), arena);
  if (from == origin::header) gather_headers(into, head, arena);
  if (from == origin::cookie) gather_cookies(into, head, arena);
  return into.finish();
}

}  // namespace fasterapi::schema
