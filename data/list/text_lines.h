#pragma once
// Text files written by people: lists and class names.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tandem {

struct TextLine {
  std::uint32_t number;  // from 1
  std::string text;      // without blanks at its ends; never empty
};

/// The lines of a text file but the blank ones. Accepts CRLF, CR alone and a UTF-8 byte order mark. Throws InputError
/// if the file cannot be read or is not UTF-8 text.
std::vector<TextLine> read_text_lines(const std::filesystem::path& path);

}  // namespace tandem
