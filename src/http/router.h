#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/arena.h"
#include "fasterapi/core/result.h"
#include "http/message.h"

namespace fasterapi::http {

// A set of methods: bit i is method i; bits past the named ones are methods that only this router knows.
using method_set = uint32_t;

// Finds the route of a method and a path.
//
// A pattern is literal text and parameters: "/users/{id}", "/{name}.{extension}", "/files/{path:path}". A parameter
// takes at least one byte and no '/'; a converter narrows it (`int`, `float`, `uuid`) or widens it (`path`: anything,
// also nothing). At each segment literal text is tried before parameters, parameters before `path`; among patterns
// of one kind the one with more literal text, then the earlier one. Where the path has a route but not for the method,
// the search goes on. Time is linear in the path for each candidate pattern of a single parameter, and bounded by
// pieces × length² otherwise.
//
// Built by one thread; after that immutable, and find() may be called by any.
class router {
 public:
  static constexpr uint32_t max_parameters = 16;

  enum class outcome : uint8_t { found, no_path, no_method };

  struct match {
    uint32_t route = 0;
    uint32_t parameter_count = 0;
    std::array<std::string_view, max_parameters> values;  // views into the path given to find()
    method_set allowed = 0;                               // with no_method: what the path has routes for
  };

  router();
  ~router();
  router(const router&) = delete;
  router& operator=(const router&) = delete;

  // The bit of a method token; makes one for a token that has no name yet. Fails past 32 methods.
  core::result<method_set> method_bit(std::string_view token);
  // The bit of a request's method; 0 when no route has it.
  method_set bit_of(http::method method, std::string_view token) const noexcept;
  // "GET, HEAD, PURGE": the members of a set, comma-separated, in alphabetical order. Lives in `memory`; empty where
  // that has no room.
  std::string_view names_of(method_set methods, core::arena& memory) const noexcept;

  // Adds a route, which gets the index `route`. `methods` must not be empty. Of two routes with the same method and
  // the same shape the earlier wins; `shadowed` then says which. Fails when the pattern is malformed.
  struct added {
    std::vector<std::string> parameters;  // names, in order
    int64_t shadowed_by = -1;             // the route that already has all of these methods at this path
  };
  core::result<added> add(method_set methods, std::string_view pattern, uint32_t route);

  outcome find(method_set bit, std::string_view path, match& found) const noexcept;

 private:
  enum class converter : uint8_t { literal, segment, integer, decimal, uuid, path };
  struct piece {
    converter kind;
    std::string text;  // of a literal
    bool operator==(const piece&) const = default;
  };
  struct endpoint {
    method_set methods;
    uint32_t route;
  };
  struct node;
  struct branch;
  struct search;

  static core::result<std::vector<piece>> parse(std::string_view pattern, std::vector<std::string>& names);
  static core::result<converter> converter_named(std::string_view name, std::string_view pattern);
  static bool accepts(converter kind, std::string_view text) noexcept;
  static bool match_pieces(std::span<const piece> pieces, std::string_view text, search& state) noexcept;
  static bool descend(const node& at, std::string_view rest, search& state) noexcept;
  static bool take_endpoint(const node& at, search& state) noexcept;
  static node& branch_for(std::vector<branch>& branches, std::vector<piece> pieces);
  static node& walk_to(node& root, const std::vector<piece>& pieces);

  std::unique_ptr<node> root_;
  std::unordered_map<std::string_view, const node*> literals_;  // whole paths without parameters; keys live in names_
  std::vector<std::unique_ptr<std::string>> literal_paths_;
  std::vector<std::string> own_methods_;
};

}  // namespace fasterapi::http
