#include "core/base/utf8.h"

#include <array>
#include <cstddef>

namespace tandem {
namespace {

/// The lead bytes from `first` to `last` begin a code point of `length` bytes. The second byte is in [low, high], which
/// keeps out what is too long, too large or a surrogate; those after it are in [80, BF].
struct Lead {
  unsigned char first, last;
  std::size_t length;
  unsigned char low, high;
};

constexpr std::array<Lead, 9> kLeads = {{{0x00, 0x7F, 1, 0, 0},
                                         {0xC2, 0xDF, 2, 0x80, 0xBF},
                                         {0xE0, 0xE0, 3, 0xA0, 0xBF},
                                         {0xE1, 0xEC, 3, 0x80, 0xBF},
                                         {0xED, 0xED, 3, 0x80, 0x9F},
                                         {0xEE, 0xEF, 3, 0x80, 0xBF},
                                         {0xF0, 0xF0, 4, 0x90, 0xBF},
                                         {0xF1, 0xF3, 4, 0x80, 0xBF},
                                         {0xF4, 0xF4, 4, 0x80, 0x8F}}};

bool in(unsigned char low, char byte, unsigned char high) {
  const auto value = static_cast<unsigned char>(byte);
  return low <= value && value <= high;
}

/// The length in bytes of the code point at the start of the text; 0 if there is none.
std::size_t code_point_length(std::string_view text) {
  for (const Lead& lead : kLeads) {
    if (!in(lead.first, text[0], lead.last)) continue;
    if (text.size() < lead.length || (lead.length > 1 && !in(lead.low, text[1], lead.high))) return 0;
    for (std::size_t i = 2; i < lead.length; ++i)
      if (!in(0x80, text[i], 0xBF)) return 0;
    return lead.length;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = code_point_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace tandem
