#include "schema/pattern.h"

#include <re2/re2.h>

#include <utility>

#include "schema/pattern_dialect.h"

namespace fasterapi::schema {

namespace {

constexpr int64_t program_max_bytes = int64_t{16} << 20;

}  // namespace

pattern::pattern(std::string source, std::unique_ptr<re2::RE2> compiled) noexcept
    : source_(std::move(source)), compiled_(std::move(compiled)) {}

pattern::~pattern() = default;

std::unique_ptr<pattern> pattern::create(std::string_view source, std::string& reason) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(program_max_bytes);
  std::string translated;
  if (!to_re2(source, translated, reason)) return nullptr;
  auto compiled = std::make_unique<re2::RE2>(translated, options);
  if (!compiled->ok()) {
    reason = compiled->error();
    return nullptr;
  }
  return std::unique_ptr<pattern>(new pattern(std::string(source), std::move(compiled)));
}

bool pattern::search(std::string_view text) const noexcept {
  return compiled_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

}  // namespace fasterapi::schema
