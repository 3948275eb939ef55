#pragma once
// What a program says when a batch does not fit into the device's memory.

#include <functional>
#include <string>

#include "core/base/error.h"

namespace tandem {

/// Throws Error: what was asked, held and free, and, found by trying, the largest of batch / 2, batch / 4, ... that
/// fits: for which attempt(size) does not throw OutOfMemory or std::bad_alloc. `option` is what sets the size: "--batch
/// ".
[[noreturn]] void fail_with_a_batch_that_fits(const OutOfMemory& error, const std::string& option, int batch,
                                              const std::function<void(int)>& attempt);

}  // namespace tandem
