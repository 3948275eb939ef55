#pragma once
// What a call throws, as the programs would end: "2: message" for bad input, "1: message" for a failure while running.

#include <string>

#include "core/base/error.h"

namespace tandem::test {

/// "" if nothing was thrown. Another exception goes through, and fails the test.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const InputError& e) {
    return std::string("2: ") + e.what();
  } catch (const Error& e) {
    return std::string("1: ") + e.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace tandem::test
