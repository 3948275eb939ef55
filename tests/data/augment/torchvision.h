#pragma once
// What torchvision makes of a picture, and how it draws the arguments of its transforms (fixtures/make.py).

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace tandem::test {

inline std::filesystem::path augment_fixture(const char* name) {
  return std::filesystem::path(TANDEM_TEST_DATA) / "data/augment/fixtures" / name;
}

inline nlohmann::json torchvision() {
  return nlohmann::json::parse(std::ifstream(augment_fixture("torchvision.json")));
}

}  // namespace tandem::test
