#pragma once

#include "core/byte_buffer.h"
#include "fasterapi/core/result.h"
#include "fasterapi/python/value.h"

namespace fasterapi::server {

// Appends a plain value of Python as JSON, as json.dumps(value, ensure_ascii=False, separators=(",", ":")) writes it:
// tuples are arrays, and keys that are None, a bool or a number become text. An error, with part of it appended, where
// JSON has no word for something: bytes, NaN, an infinity, a lone surrogate, a key of another kind.
core::result<> write_json(const python::value& from, core::byte_buffer& out);

}  // namespace fasterapi::server
