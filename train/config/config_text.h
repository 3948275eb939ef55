#pragma once
// The text of a config file, and the JSON that it holds: comments (// and /* */) are allowed, a key twice in one object
// is not.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tandem {

/// The file's text. InputError, naming it, if it cannot be read or is larger than a config can be.
std::string read_config_text(const std::string& path);

/// InputError "source:line:column: ..." for what is not JSON.
nlohmann::json parse_config_json(std::string_view text, const std::string& source);

/// A parser callback that refuses an object with the same key twice, of which the parser would keep the last, and
/// nesting so deep that it cannot be a config.
nlohmann::json::parser_callback_t refuse_doubtful(const std::string& source);

}  // namespace tandem
