#pragma once
// Text that may be written to JSON.

#include <string_view>

namespace tandem {

/// Whether the bytes are UTF-8 (RFC 3629): no code point beyond U+10FFFF, no surrogate, no overlong form.
bool is_utf8(std::string_view text);

}  // namespace tandem
