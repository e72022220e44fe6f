#include "fasterapi/python/errc.h"

#include <string>

namespace fasterapi::python {

namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "fasterapi.python"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::raised:
        return "Python code raised an exception";
      case errc::interpreter_failed:
        return "an interpreter could not be made or prepared";
      case errc::not_found:
        return "there is no such module or attribute";
      case errc::not_plain:
        return "the value cannot cross to another interpreter";
    }
    return "unknown error";
  }
};

}  // namespace

std::error_code make_error_code(errc code) noexcept {
  static const category instance;
  return {static_cast<int>(code), instance};
}

}  // namespace fasterapi::python
