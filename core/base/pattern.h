#pragma once
// Patterns of names, as configs have them: `*` stands for anything, also for nothing, and `?` for one character.

#include <string_view>

namespace tandem {

/// Whether a whole name fits a pattern.
bool fits_pattern(std::string_view name, std::string_view pattern);

}  // namespace tandem
