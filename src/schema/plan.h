#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "schema/type.h"

namespace fasterapi::schema {

enum class origin : uint8_t { path, query, header, cookie, body, request };

// One parameter of a handler.
struct parameter {
  std::string alias;  // its name on the wire; lower-case for a header
  std::string shown;  // its name in error locations
  schema::origin from = schema::origin::query;
  bool required = true;
  bool collects = false;     // query, header: every occurrence, as a list
  bool is_sequence = false;  // an empty value counts as none sent
  uint32_t path_index = 0;   // path: place among the route's parameters
  uint32_t position = 0;     // its index in the plan
  uint32_t rank = 0;         // its place in the order of checking
  const schema::type* type = nullptr;
};

// What a handler's signature was compiled to: where each argument comes from and what it must be.
//
// Built once by plan_builder's owner, then constant: any thread may read it.
class plan {
 public:
  plan() = default;
  plan(const plan&) = delete;
  plan& operator=(const plan&) = delete;

  bool needs_body() const noexcept { return !by_origin(origin::body).empty(); }
  bool needs_request() const noexcept { return !by_origin(origin::request).empty(); }
  // Whether some values must still be checked by Python code; see value_kind::foreign.
  bool needs_python() const noexcept { return needs_python_; }
  size_t parameter_count() const noexcept { return parameters_.size(); }
  const parameter& at(size_t index) const noexcept { return parameters_[index]; }
  // Parameters from one place, in the order of the signature.
  const std::vector<const parameter*>& by_origin(origin from) const noexcept {
    return by_origin_[static_cast<size_t>(from)];
  }
  // Several body parameters, or one that asks for it, are keys of the body's object.
  bool embeds_body() const noexcept { return embeds_body_; }
  const type& type_at(size_t id) const noexcept { return types_[id]; }
  size_t type_count() const noexcept { return types_.size(); }

  // Construction only.
  type& add_type();
  type& mutable_type_at(size_t id) noexcept { return types_[id]; }
  parameter& add_parameter() { return parameters_.emplace_back(); }
  void set_embeds_body(bool embeds) noexcept { embeds_body_ = embeds; }
  // After the last parameter is complete.
  void finish();

 private:
  static constexpr size_t origin_count = static_cast<size_t>(origin::request) + 1;

  std::deque<type> types_;
  std::deque<parameter> parameters_;
  std::vector<const parameter*> by_origin_[origin_count];
  bool embeds_body_ = false;
  bool needs_python_ = false;
};

}  // namespace fasterapi::schema
