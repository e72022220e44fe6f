#include "shared/directory.h"

#include <cstring>

#include "shared/siphash.h"

namespace fasterapi::shared {

namespace {

// An object's entry in its chain; the name follows.
struct named_object {
  uint64_t next;
  object_kind kind;
  object_options options;
  uint64_t body;
  uint64_t name_bytes;

  std::string_view name() const noexcept { return {reinterpret_cast<const char*>(this + 1), name_bytes}; }
};

constexpr size_t body_alignment = 64;

class directory_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "fasterapi.shared"; }
  std::string message(int code) const override {
    switch (static_cast<directory_errc>(code)) {
      case directory_errc::bad_name:
        return "not a name";
      case directory_errc::other_kind:
        return "the name belongs to an object of another kind";
      case directory_errc::other_options:
        return "the object was made with other options";
      case directory_errc::full:
        return "shared memory is full";
    }
    return "unknown";
  }
};

core::error failure(directory_errc code, std::string message) { return {make_error_code(code), std::move(message)}; }

core::result<void*> check(const region& in, const named_object& found, const object_plan& plan) {
  const std::string name(found.name());
  if (found.kind != plan.kind) {
    return failure(directory_errc::other_kind, "'" + name + "' is " + std::string(kind_name(found.kind)) +
                                                   " already, not " + std::string(kind_name(plan.kind)));
  }
  if (found.options != plan.options) {
    return failure(directory_errc::other_options, "'" + name + "' is there already, and was made with other options");
  }
  return static_cast<void*>(in.base() + found.body);
}

// Links a new object; 0 where the region is full.
uint64_t make_object(const region& in, domain_holder& held, std::string_view name, uint64_t& chain,
                     const object_plan& plan) noexcept {
  const uint64_t entry_at = held.allocate(sizeof(named_object) + name.size());
  const uint64_t block = entry_at == 0 ? 0 : held.allocate(plan.bytes + body_alignment);
  if (block == 0) return 0;
  const uint64_t body = (block + body_alignment - 1) / body_alignment * body_alignment;
  std::memset(in.base() + body, 0, plan.bytes);
  plan.make(in.base() + body, plan.context);
  auto& entry = in.at<named_object>(entry_at);
  entry = {chain, plan.kind, plan.options, body, name.size()};
  std::memcpy(&entry + 1, name.data(), name.size());
  held.set(chain, entry_at);
  held.commit();
  return body;
}

}  // namespace

std::error_code make_error_code(directory_errc code) noexcept {
  static const directory_category category;
  return {static_cast<int>(code), category};
}

std::string_view kind_name(object_kind kind) noexcept {
  switch (kind) {
    case object_kind::counter:
      return "a Counter";
    case object_kind::dict:
      return "a Dict";
    case object_kind::lock:
      return "a Lock";
    case object_kind::event:
      return "an Event";
    case object_kind::queue:
      return "a Queue";
    case object_kind::channel:
      return "a Channel";
  }
  return "an object";
}

core::error full_error(const region& in) {
  return failure(directory_errc::full,
                 "shared memory is full: shared_memory_max_bytes is " + std::to_string(in.header().max_bytes));
}

core::result<void*> open_object(const region& in, std::string_view name, const object_plan& plan, patience& waiting) {
  if (name.empty() || name.size() > name_max_bytes) {
    return failure(directory_errc::bad_name, "a name has 1 to " + std::to_string(name_max_bytes) + " bytes of UTF-8");
  }
  region_header& header = in.header();
  uint64_t& chain = header.chains[siphash(header.hash_key, name) % directory_buckets];
  domain_holder held(in, header.directory, waiting);
  for (uint64_t at = chain; at != 0; at = in.at<named_object>(at).next) {
    const auto& found = in.at<named_object>(at);
    if (found.name() == name) return check(in, found, plan);
  }
  const uint64_t body = make_object(in, held, name, chain, plan);
  if (body == 0) return full_error(in);
  return static_cast<void*>(in.base() + body);
}

}  // namespace fasterapi::shared
