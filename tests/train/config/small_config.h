#pragma once
// Configs of one or a few keys, as the tests of the reader write them.

#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "train/config/config.h"

namespace tandem::test {

/// A config of one more key than the smallest, as JSON text.
inline std::string config_with(const std::string& more) {
  return R"({"data": {"train": {"list": "train.txt"}})" + (more.empty() ? "" : ", " + more) + "}";
}

inline Config parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_config(text, "my.json", overrides);
}

inline std::string error_in(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return error_of([&] { parse(text, overrides); });
}

}  // namespace tandem::test
