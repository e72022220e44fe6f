#pragma once

#include <cstdint>
#include <string_view>

#include "json/reader.h"
#include "schema/checker.h"
#include "schema/validate.h"

namespace fasterapi::schema {

// What a request's body is, before anything is checked.
struct body_content {
  enum class kind : uint8_t {
    none,    // nothing was sent
    raw,     // not JSON by its content-type: `value` is its bytes
    json,    // `value`
    broken,  // an error says why; nothing else of the request is looked at
  };
  body_content::kind kind = kind::none;
  json::value value;
};

body_content read_body(const request_view& request, json::reader& reader, checker& by) noexcept;

// Checks the parameters that come from the body. `values` is indexed by parameter::position.
void check_body(const plan& of, const body_content& body, checker& by, value* values) noexcept;

// Whether a content-type names JSON: application/json or application/…+json, with any parameters.
bool is_json_media_type(std::string_view content_type) noexcept;

}  // namespace fasterapi::schema
