#include "train/config/config_text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "core/base/error.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

/// "line:column" of the byte that a parser had read last, counted from 1.
std::string position(std::string_view text, std::size_t bytes_read) {
  const std::string_view before = text.substr(0, bytes_read == 0 ? 0 : bytes_read - 1);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  return fmt::format("{}:{}", line, before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1);
}

/// nlohmann::json's message without its tag and its own idea of the position.
std::string syntax_message(std::string message) {
  for (const char* mark : {"] ", ": syntax error "}) {
    const std::size_t at = message.find(mark);
    if (at != std::string::npos) message = message.substr(at + std::strlen(mark));
  }
  return message;
}

}  // namespace

std::string read_config_text(const std::string& path) {
  constexpr std::size_t kLargest = 1 << 20;
  std::error_code unknown;  // Then opening it says what is wrong.
  if (std::filesystem::is_directory(path, unknown)) fail_input("{}: is a folder, expected a config file", path);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_input("{}: cannot open the config: {}", path, std::strerror(errno));
  std::string text(kLargest + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) fail_input("{}: cannot read the config: {}", path, std::strerror(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargest) fail_input("{}: larger than 1 MiB, expected a config file", path);
  return text;
}

Json::parser_callback_t refuse_doubtful(const std::string& source) {
  static constexpr int kDeepest = 32;
  return
      [source, open = std::vector<std::set<std::string>>()](int depth, Json::parse_event_t event, Json& value) mutable {
        if (depth > kDeepest) fail_input("{}: nested deeper than {} levels, expected a config", source, kDeepest);
        if (event == Json::parse_event_t::object_start) open.emplace_back();
        if (event == Json::parse_event_t::object_end) open.pop_back();
        if (event == Json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second)
          fail_input("{}: the key \"{}\" occurs twice in one object", source, value.get<std::string>());
        return true;
      };
}

Json parse_config_json(std::string_view text, const std::string& source) {
  try {
    return Json::parse(text, refuse_doubtful(source), /*allow_exceptions=*/true, /*ignore_comments=*/true);
  } catch (const Json::parse_error& e) {
    fail_input("{}:{}: syntax error {}", source, position(text, e.byte), syntax_message(e.what()));
  } catch (const Json::exception& e) {  // A number too large for a double.
    fail_input("{}: {}", source, syntax_message(e.what()));
  }
}

}  // namespace tandem
