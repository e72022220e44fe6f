#include "fasterapi/core/result.h"

#include <system_error>

namespace fasterapi::core {

error system_error(int code, std::string doing) {
  const std::error_code reason(code, std::generic_category());
  return {reason, std::move(doing) + ": " + reason.message(), {}};
}

error plain_error(std::error_code code) { return {code, code.message(), {}}; }

}  // namespace fasterapi::core
