#include "python/parcel.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "fasterapi/python/errc.h"

namespace fasterapi::python {

namespace {

using kind = value::kind;

core::error not_plain(std::string why) { return {errc::not_plain, std::move(why), {}}; }

// Whether text is UTF-8 in which lone surrogates may stand in three bytes.
bool is_text(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<uint8_t>(text[at]);
    if (first < 0x80) {
      ++at;
      continue;
    }
    const size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || text.size() - at <= more) return false;
    uint32_t point = first & (0x3fU >> more);
    for (size_t i = 1; i <= more; ++i) {
      const auto next = static_cast<uint8_t>(text[at + i]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    if ((more == 2 && point < 0x800) || (more == 3 && (point < 0x10000 || point > 0x10ffff))) return false;
    at += more + 1;
  }
  return true;
}

core::result<> write(parcel& to, const value& from, int depth);

core::result<> write_items(parcel& to, parcel_tag tag, const std::vector<value>& items, int depth) {
  to.put(tag);
  to.put_size(items.size());
  for (const value& item : items) TRY(write(to, item, depth + 1));
  return core::nothing{};
}

core::result<> write(parcel& to, const value& from, int depth) {
  if (depth > parcel_depth_max) return not_plain("the values lie too deep in each other");
  switch (from.type()) {
    case kind::null:
      to.put(parcel_tag::none);
      break;
    case kind::boolean:
      to.put(from.boolean() ? parcel_tag::yes : parcel_tag::no);
      break;
    case kind::integer: {
      const int64_t number = from.integer();
      to.put_raw(parcel_tag::integer, &number, sizeof number);
      break;
    }
    case kind::real: {
      const double number = from.real();
      to.put_raw(parcel_tag::real, &number, sizeof number);
      break;
    }
    case kind::big_integer: {
      const std::string_view digits = std::string_view(from.text()).substr(from.text().starts_with('-') ? 1 : 0);
      if (digits.empty() || !std::ranges::all_of(digits, [](char each) { return each >= '0' && each <= '9'; })) {
        return not_plain("\"" + from.text() + "\" is no integer");
      }
      to.put_sized(parcel_tag::digits, from.text().size(), from.text().data(), from.text().size());
      break;
    }
    case kind::string:
      if (!is_text(from.text())) return not_plain("a text is not UTF-8");
      to.put_sized(parcel_tag::utf8, from.text().size(), from.text().data(), from.text().size());
      break;
    case kind::bytes:
      to.put_sized(parcel_tag::bytes, from.text().size(), from.text().data(), from.text().size());
      break;
    case kind::list:
      return write_items(to, parcel_tag::list, from.items(), depth);
    case kind::tuple:
      return write_items(to, parcel_tag::tuple, from.items(), depth);
    case kind::dict:
      to.put(parcel_tag::dict);
      to.put_size(from.entries().size());
      for (const value::entry& each : from.entries()) {
        TRY(write(to, each.key, depth + 1));
        TRY(write(to, each.item, depth + 1));
      }
      break;
  }
  return core::nothing{};
}

// Decimal digits of a number in two's complement, the lowest byte first.
std::string decimal_of(std::string_view number) {
  const bool is_negative = (static_cast<uint8_t>(number.back()) & 0x80) != 0;
  std::vector<uint32_t> words((number.size() + 3) / 4, is_negative ? UINT32_MAX : 0);
  std::memcpy(words.data(), number.data(), std::min(number.size(), words.size() * sizeof(uint32_t)));
  if (is_negative) {
    uint64_t carry = 1;
    for (uint32_t& word : words) {
      carry += static_cast<uint32_t>(~word);
      word = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
  }
  std::string digits;
  while (!words.empty()) {
    constexpr uint32_t group = 1'000'000'000;
    uint64_t rest = 0;
    for (size_t i = words.size(); i-- > 0;) {
      rest = rest << 32 | words[i];
      words[i] = static_cast<uint32_t>(rest / group);
      rest %= group;
    }
    while (!words.empty() && words.back() == 0) words.pop_back();
    for (int place = 0; place < 9 && (!words.empty() || rest != 0); ++place, rest /= 10) {
      digits.push_back(static_cast<char>('0' + rest % 10));
    }
  }
  if (is_negative) digits.push_back('-');
  std::ranges::reverse(digits);
  return digits;
}

template <typename Unit>
std::string utf8_of(const char* units, size_t count) {
  std::string text;
  text.reserve(count);
  const auto add = [&text](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  for (size_t i = 0; i < count; ++i) {
    Unit unit;
    std::memcpy(&unit, units + i * sizeof unit, sizeof unit);
    const uint32_t point = unit;
    if (point < 0x80) {
      add(point);
      continue;
    }
    if (point < 0x800) {
      add(0xc0 | point >> 6);
    } else if (point < 0x10000) {
      add(0xe0 | point >> 12);
      add(0x80 | (point >> 6 & 0x3f));
    } else {
      add(0xf0 | point >> 18);
      add(0x80 | (point >> 12 & 0x3f));
      add(0x80 | (point >> 6 & 0x3f));
    }
    add(0x80 | (point & 0x3f));
  }
  return text;
}

core::result<value> read_item(parcel_reader& from, const parcel& whole);

core::result<std::vector<value>> read_items(parcel_reader& from, const parcel& whole) {
  std::vector<value> items(from.size());
  for (value& item : items) item = TRY(read_item(from, whole));
  return items;
}

core::result<value> read_dict(parcel_reader& from, const parcel& whole) {
  std::vector<value::entry> entries(from.size());
  for (value::entry& each : entries) {
    each.key = TRY(read_item(from, whole));
    each.item = TRY(read_item(from, whole));
  }
  return value::dict(std::move(entries));
}

std::string read_text(parcel_reader& from) {
  const size_t size = from.size();
  return {from.raw(size), size};
}

template <typename Unit>
value read_units(parcel_reader& from) {
  const size_t count = from.size();
  return utf8_of<Unit>(from.raw(count * sizeof(Unit)), count);
}

core::result<value> read_item(parcel_reader& from, const parcel& whole) {
  switch (from.tag()) {
    case parcel_tag::none:
      return value();
    case parcel_tag::no:
      return value(false);
    case parcel_tag::yes:
      return value(true);
    case parcel_tag::small_integer:
      return value(from.number<int8_t>());
    case parcel_tag::integer:
      return value(from.number<int64_t>());
    case parcel_tag::big_integer:
      return value::big_integer(decimal_of(read_text(from)));
    case parcel_tag::digits:
      return value::big_integer(read_text(from));
    case parcel_tag::real:
      return value(from.number<double>());
    case parcel_tag::ascii:
    case parcel_tag::utf8:
      return value(read_text(from));
    case parcel_tag::latin1:
      return read_units<uint8_t>(from);
    case parcel_tag::ucs2:
      return read_units<uint16_t>(from);
    case parcel_tag::ucs4:
      return read_units<uint32_t>(from);
    case parcel_tag::bytes:
      return value::bytes(read_text(from));
    case parcel_tag::tuple:
      return value::tuple(TRY(read_items(from, whole)));
    case parcel_tag::list:
      return value::list(TRY(read_items(from, whole)));
    case parcel_tag::dict:
      return read_dict(from, whole);
    case parcel_tag::lent_bytes:
    case parcel_tag::view: {
      const block_ref& block = whole.blocks()[from.size()];
      return value::bytes({block->data(), block->size()});
    }
    case parcel_tag::pickle:
    case parcel_tag::call:
      break;
  }
  return not_plain("the object is no plain value: it is known to Python only");
}

}  // namespace

bool parcel::grow(size_t more) noexcept {
  const size_t capacity = std::max(size_ + more, capacity_ * 2);
  auto* place = static_cast<char*>(std::realloc(data_ == inline_ ? nullptr : data_, capacity));
  if (place == nullptr) return false;
  if (data_ == inline_) std::memcpy(place, inline_, size_);
  data_ = place;
  capacity_ = capacity;
  return true;
}

core::result<parcel> parcel::of(const value& plain) {
  parcel made;
  TRY(write(made, plain, 0));
  return made;
}

core::result<value> parcel::read() const {
  if (size_ == 0) return value();
  parcel_reader from(*this);
  return read_item(from, *this);
}

}  // namespace fasterapi::python
