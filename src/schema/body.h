#pragma once

#include "json/reader.h"
#include "schema/checker.h"
#include "schema/validate.h"

namespace fasterapi::schema {

// Reads the request's body and checks the parameters that come from it. `values` is indexed by parameter::position.
void check_body(const plan& of, const request_view& request, json::reader& reader, checker& by, value* values) noexcept;

// Whether a content-type names JSON: application/json or application/…+json, with any parameters.
bool is_json_media_type(std::string_view content_type) noexcept;

}  // namespace fasterapi::schema
