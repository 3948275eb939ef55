#pragma once
// Files with the same content.

#include <cstddef>
#include <string>
#include <vector>

namespace tandem {

/// The files whose content is the same, byte by byte: groups of two or more, each rising, in the order of their first
/// ones. Files of equal size are compared by a hash of their last bytes, those with equal ones by a hash of the whole
/// (XXH3, 128 bits), on `threads` threads (0: one per core). Files that cannot be read, and empty ones, have no copies.
std::vector<std::vector<std::size_t>> equal_files(const std::vector<std::string>& paths, unsigned threads = 0);

}  // namespace tandem
