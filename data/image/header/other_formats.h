#pragma once
// Files that are no images Tandem reads, but that people have beside those.

#include <cstdint>
#include <span>

namespace tandem {

/// What a file is by its first bytes, "a HEIC image", if it is of a known kind that is not read; null otherwise. BMP
/// and WebP files of kinds that no build reads, such as an animation, are among them.
const char* unread_format(std::span<const std::uint8_t> file);

}  // namespace tandem
