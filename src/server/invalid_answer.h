#pragma once

#include <optional>

#include "core/byte_buffer.h"
#include "schema/errors.h"
#include "server/answer_view.h"
#include "server/application.h"
#include "server/call.h"

namespace fasterapi::server {

// The answer to a call whose values were refused, written to `body` and valid as long as that is left alone. None where
// the driver is to answer itself (application::intercepts): the call's `refused` is set.
std::optional<answer_view> invalid_answer(const application& app, call& refused, const schema::error_list& errors,
                                          core::byte_buffer& body) noexcept;

}  // namespace fasterapi::server
