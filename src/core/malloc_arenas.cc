#include "core/malloc_arenas.h"

#include <malloc.h>

#include <cstdlib>
#include <string_view>

namespace fasterapi::core {

void limit_malloc_arenas([[maybe_unused]] int most) noexcept {
#ifdef __GLIBC__
  const char* tunables = std::getenv("GLIBC_TUNABLES");
  const bool is_asked = std::getenv("MALLOC_ARENA_MAX") != nullptr ||
                        (tunables != nullptr && std::string_view(tunables).find("arena_max") != std::string_view::npos);
  if (!is_asked) mallopt(M_ARENA_MAX, most);
#endif
}

}  // namespace fasterapi::core
