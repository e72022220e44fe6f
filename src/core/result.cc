#include "core/result.h"

#include <system_error>

namespace fasterapi::core {

error system_error(int code, std::string doing) {
  return {code, std::move(doing) + ": " + std::generic_category().message(code)};
}

}  // namespace fasterapi::core
