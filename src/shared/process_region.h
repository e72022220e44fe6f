#pragma once

#include <cstddef>

#include "fasterapi/core/result.h"
#include "shared/region.h"

namespace fasterapi::shared {

// The region of this process, which all its interpreters share: made, or taken over from the parent, by whoever comes
// first, and there until the process ends. Any thread may call these.

// The region; made where there is none yet.
core::result<const region*> process_region();
// Takes over the region of an inherited descriptor. Fails where there is a region already.
core::result<> adopt_process_region(int descriptor);
// How much a region that is made here may hold. False where there is one already, or the number is too small.
bool set_process_region_max_bytes(size_t max_bytes) noexcept;

}  // namespace fasterapi::shared
