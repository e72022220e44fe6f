#include "http/router.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fasterapi::http {

struct router::node {
  std::vector<std::pair<std::string, std::unique_ptr<node>>> literals;  // by whole segment
  std::vector<branch> segments;                                         // patterns of one segment
  std::vector<branch> tails;                                            // patterns with a `path`: all that is left
  std::vector<endpoint> endpoints;
};

struct router::branch {
  std::vector<piece> pieces;
  std::unique_ptr<node> next;
  size_t literal_bytes = 0;
};

struct router::search {
  method_set bit;
  match& found;
  std::vector<bool> dead_ends;  // of match_pieces: (piece, end) pairs that were tried
};

router::router() : root_(std::make_unique<node>()) {}
router::~router() = default;

namespace {

core::error malformed(std::string_view pattern, std::string_view why) {
  return {core::errc::invalid_argument, "path \"" + std::string(pattern) + "\": " + std::string(why)};
}

bool is_identifier(std::string_view name) noexcept {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
  });
}

bool all_digits(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_uuid(std::string_view text) noexcept {
  // Hyphens are optional between the groups of 8-4-4-4-12 hexadecimal digits.
  constexpr std::array<size_t, 5> groups = {8, 4, 4, 4, 12};
  size_t at = 0;
  for (size_t group = 0; group < groups.size(); ++group) {
    if (group > 0 && at < text.size() && text[at] == '-') ++at;
    for (size_t i = 0; i < groups[group]; ++i, ++at) {
      if (at >= text.size() || std::strchr("0123456789abcdefABCDEF", text[at]) == nullptr || text[at] == '\0') {
        return false;
      }
    }
  }
  return at == text.size();
}

}  // namespace

bool router::accepts(converter kind, std::string_view text) noexcept {
  switch (kind) {
    case converter::literal:
      return false;
    case converter::segment:
      return !text.empty() && text.find('/') == std::string_view::npos;
    case converter::integer:
      return all_digits(text);
    case converter::decimal: {
      const size_t point = text.find('.');
      if (point == std::string_view::npos) return all_digits(text);
      return all_digits(text.substr(0, point)) && all_digits(text.substr(point + 1));
    }
    case converter::uuid:
      return is_uuid(text);
    case converter::path:
      return true;
  }
  return false;
}

core::result<method_set> router::method_bit(std::string_view token) {
  if (const method named = method_from(token); named != method::other) return method_set{1} << static_cast<int>(named);
  auto known = std::find(own_methods_.begin(), own_methods_.end(), token);
  const auto index = static_cast<size_t>(known - own_methods_.begin());
  if (index + method_count >= 32) return core::error{core::errc::invalid_argument, "more than 32 methods", {}};
  if (known == own_methods_.end()) own_methods_.emplace_back(token);
  return method_set{1} << (index + method_count);
}

method_set router::bit_of(http::method method, std::string_view token) const noexcept {
  if (method != method::other) [[likely]]
    return method_set{1} << static_cast<int>(method);
  for (size_t i = 0; i < own_methods_.size(); ++i) {
    if (own_methods_[i] == token) return method_set{1} << (i + method_count);
  }
  return 0;
}

std::string_view router::names_of(method_set methods, core::arena& memory) const noexcept {
  std::array<std::string_view, 8 * sizeof(method_set)> names;
  size_t count = 0;
  size_t size = 0;
  const auto take = [&](size_t bit, std::string_view name) {
    if ((methods & (method_set{1} << bit)) == 0) return;
    names[count++] = name;
    size += name.size() + 2;
  };
  for (size_t i = 0; i < method_count; ++i) take(i, to_string(static_cast<method>(i)));
  for (size_t i = 0; i < own_methods_.size(); ++i) take(i + method_count, own_methods_[i]);
  std::sort(names.begin(), names.begin() + count);
  char* joined = static_cast<char*>(memory.allocate(size, 1));
  if (joined == nullptr || count == 0) return {};
  char* to = joined;
  for (std::string_view name : std::span(names.data(), count)) {
    to = std::copy(name.begin(), name.end(), to);
    *to++ = ',';
    *to++ = ' ';
  }
  return {joined, size - 2};
}

core::result<router::converter> router::converter_named(std::string_view name, std::string_view pattern) {
  if (name == "str") return converter::segment;
  if (name == "int") return converter::integer;
  if (name == "float") return converter::decimal;
  if (name == "uuid") return converter::uuid;
  if (name == "path") return converter::path;
  return malformed(pattern,
                   "unknown converter \"" + std::string(name) + "\"; there are str, int, float, uuid and path");
}

core::result<std::vector<router::piece>> router::parse(std::string_view pattern, std::vector<std::string>& names) {
  if (pattern.empty() || pattern[0] != '/') return malformed(pattern, "must start with \"/\"");
  std::vector<piece> pieces;
  for (size_t at = 0; at < pattern.size();) {
    if (pattern[at] != '{') {
      const size_t end = std::min(pattern.find('{', at), pattern.size());
      const std::string_view text = pattern.substr(at, end - at);
      if (text.find('}') != std::string_view::npos) return malformed(pattern, "a \"}\" without its \"{\"");
      pieces.push_back({converter::literal, std::string(text)});
      at = end;
      continue;
    }
    const size_t close = pattern.find('}', at);
    if (close == std::string_view::npos) return malformed(pattern, "a \"{\" without its \"}\"");
    const std::string_view inside = pattern.substr(at + 1, close - at - 1);
    const size_t colon = std::min(inside.find(':'), inside.size());
    const std::string_view name = inside.substr(0, colon);
    if (!is_identifier(name)) {
      return malformed(pattern, "\"{" + std::string(inside) + "}\" does not name a parameter");
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return malformed(pattern, "parameter \"" + std::string(name) + "\" stands twice");
    }
    if (names.size() == max_parameters) return malformed(pattern, "more than 16 parameters");
    if (!pieces.empty() && pieces.back().kind != converter::literal) {
      return malformed(pattern, "two parameters must have text between them");
    }
    names.emplace_back(name);
    const converter kind =
        colon == inside.size() ? converter::segment : TRY(converter_named(inside.substr(colon + 1), pattern));
    pieces.push_back({kind, {}});
    at = close + 1;
  }
  return pieces;
}

router::node& router::branch_for(std::vector<branch>& branches, std::vector<piece> pieces) {
  for (branch& known : branches) {
    if (known.pieces == pieces) return *known.next;
  }
  branch added;
  for (const piece& part : pieces) added.literal_bytes += part.kind == converter::literal ? part.text.size() : 0;
  added.pieces = std::move(pieces);
  added.next = std::make_unique<node>();
  node& next = *added.next;
  // A narrower converter goes before a wider one among patterns with as much literal text.
  const auto earlier = [](const branch& left, const branch& right) {
    if (left.literal_bytes != right.literal_bytes) return left.literal_bytes > right.literal_bytes;
    const bool left_plain = left.pieces.back().kind == converter::segment;
    const bool right_plain = right.pieces.back().kind == converter::segment;
    return !left_plain && right_plain;
  };
  branches.insert(std::upper_bound(branches.begin(), branches.end(), added, earlier), std::move(added));
  return next;
}

router::node& router::walk_to(node& root, const std::vector<piece>& pieces) {
  node* at = &root;
  std::vector<piece> segment;
  const auto finish_segment = [&at, &segment] {
    if (segment.empty()) segment.push_back({converter::literal, ""});
    if (segment.size() == 1 && segment[0].kind == converter::literal) {
      auto known = std::find_if(at->literals.begin(), at->literals.end(),
                                [&](const auto& entry) { return entry.first == segment[0].text; });
      if (known == at->literals.end()) {
        at->literals.emplace_back(segment[0].text, std::make_unique<node>());
        known = std::prev(at->literals.end());
      }
      at = known->second.get();
    } else {
      at = &branch_for(at->segments, segment);
    }
    segment.clear();
  };
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].kind == converter::path) {
      segment.insert(segment.end(), pieces.begin() + static_cast<ptrdiff_t>(i), pieces.end());
      return branch_for(at->tails, segment);
    }
    if (pieces[i].kind != converter::literal) {
      segment.push_back(pieces[i]);
      continue;
    }
    std::string_view text = pieces[i].text;
    if (i == 0) text.remove_prefix(1);
    for (size_t slash = text.find('/'); slash != std::string_view::npos; slash = text.find('/')) {
      if (slash > 0) segment.push_back({converter::literal, std::string(text.substr(0, slash))});
      finish_segment();
      text.remove_prefix(slash + 1);
    }
    if (!text.empty()) segment.push_back({converter::literal, std::string(text)});
  }
  finish_segment();
  return *at;
}

core::result<router::added> router::add(method_set methods, std::string_view pattern, uint32_t route) {
  added outcome;
  const std::vector<piece> pieces = TRY(parse(pattern, outcome.parameters));
  node& at = walk_to(*root_, pieces);
  method_set missing = methods;
  for (const endpoint& known : at.endpoints) {
    missing &= ~known.methods;
    if (missing == 0) {
      outcome.shadowed_by = known.route;
      return outcome;
    }
  }
  at.endpoints.push_back({missing, route});
  if (outcome.parameters.empty() && !literals_.contains(pattern)) {
    literal_paths_.push_back(std::make_unique<std::string>(pattern));
    literals_.emplace(*literal_paths_.back(), &at);
  }
  return outcome;
}

bool router::take_endpoint(const node& at, search& state) noexcept {
  for (const endpoint& candidate : at.endpoints) {
    if ((candidate.methods & state.bit) != 0) {
      state.found.route = candidate.route;
      return true;
    }
    state.found.allowed |= candidate.methods;
  }
  return false;
}

// Matches all of `text`, the last parameter taking as little as it can, as a greedy regular expression would share it.
bool router::match_pieces(std::span<const piece> pieces, std::string_view text, search& state) noexcept {
  if (pieces.empty()) return text.empty();
  const piece& last = pieces.back();
  const auto before = pieces.first(pieces.size() - 1);
  if (last.kind == converter::literal) {
    return text.ends_with(last.text) && match_pieces(before, text.substr(0, text.size() - last.text.size()), state);
  }
  const auto keep = [&state](size_t slot, std::string_view value) { state.found.values[slot] = value; };
  const auto slot_of = [&state](std::span<const piece> up_to) {
    const auto parameters =
        std::count_if(up_to.begin(), up_to.end(), [](const piece& part) { return part.kind != converter::literal; });
    return state.found.parameter_count + static_cast<size_t>(parameters) - 1;
  };
  if (before.empty()) {
    if (!accepts(last.kind, text)) return false;
    keep(slot_of(pieces), text);
    return true;
  }
  const size_t mark = pieces.size() * (text.size() + 1) + text.size();
  if (state.dead_ends.size() > mark && state.dead_ends[mark]) return false;
  const std::string& separator = before.back().text;
  for (size_t from = text.size();;) {
    const size_t at = text.rfind(separator, from);
    if (at == std::string_view::npos) break;
    const std::string_view value = text.substr(at + separator.size());
    if (accepts(last.kind, value) && match_pieces(before.first(before.size() - 1), text.substr(0, at), state)) {
      keep(slot_of(pieces), value);
      return true;
    }
    if (at == 0) break;
    from = at - 1;
  }
  if (state.dead_ends.size() <= mark) state.dead_ends.resize(mark + 1);
  state.dead_ends[mark] = true;
  return false;
}

bool router::descend(const node& at, std::string_view rest, search& state) noexcept {
  const size_t slash = rest.find('/');
  const bool last = slash == std::string_view::npos;
  const std::string_view segment = rest.substr(0, slash);
  const auto go_on = [&](const node& next) {
    return last ? take_endpoint(next, state) : descend(next, rest.substr(slash + 1), state);
  };
  for (const auto& [text, next] : at.literals) {
    if (text == segment && go_on(*next)) return true;
  }
  const uint32_t depth = state.found.parameter_count;
  const auto try_branch = [&](const branch& candidate, std::string_view text, auto&& then) {
    state.dead_ends.clear();
    if (!match_pieces(candidate.pieces, text, state)) return false;
    for (const piece& part : candidate.pieces) state.found.parameter_count += part.kind != converter::literal;
    if (then(*candidate.next)) return true;
    state.found.parameter_count = depth;
    return false;
  };
  for (const branch& candidate : at.segments) {
    if (try_branch(candidate, segment, go_on)) return true;
  }
  for (const branch& candidate : at.tails) {
    if (try_branch(candidate, rest, [&](const node& next) { return take_endpoint(next, state); })) return true;
  }
  return false;
}

router::outcome router::find(method_set bit, std::string_view path, match& found) const noexcept {
  found.parameter_count = 0;
  found.allowed = 0;
  search state{bit, found, {}};
  const auto literal = literals_.find(path);
  if (literal != literals_.end() && take_endpoint(*literal->second, state)) return outcome::found;
  if (!path.empty() && path[0] == '/' && descend(*root_, path.substr(1), state)) return outcome::found;
  return found.allowed != 0 ? outcome::no_method : outcome::no_path;
}

}  // namespace fasterapi::http
