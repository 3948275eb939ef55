#include "core/base/utf8.h"

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"

namespace tandem {
namespace {

/// Whether JSON can be written with the text in it.
bool json_takes(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

TEST_CASE("text in other encodings is told from UTF-8") {
  for (const char* good : {"", "apple", "caf\xC3\xA9", "\xE2\x82\xAC 5", "\xF0\x9F\x8D\x8E", "\xEF\xBB\xBF"})
    CHECK(is_utf8(good));
  for (const char* bad : {"caf\xE9", "caf\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                          "\xF5\x80", "\x80", "\xFF", "\xF0\x9F\x8D"})
    CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("JSON takes what is UTF-8 and nothing else") {
  constexpr int kSteps[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
                            0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
  int differences = 0;
  for (const int a : kSteps)
    for (const int b : kSteps)
      for (const int c : kSteps)
        for (const int d : kSteps) {
          const std::string text = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                                    static_cast<char>(d)};
          for (const std::size_t length : {1, 2, 3, 4})
            differences += is_utf8(text.substr(0, length)) != json_takes(text.substr(0, length));
        }
  CHECK(differences == 0);
}

}  // namespace
}  // namespace tandem
