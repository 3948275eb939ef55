#pragma once
// Whether two small runs came to the same, bit for bit.

#include <cstring>

#include "io/safetensors.h"
#include "tests/support/tiny_run.h"

namespace tandem::test {

/// Arguments, and more of them.
inline std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// Lines that a run's log has by now.
inline std::ptrdiff_t logged_lines(const TinyRun& run, const std::string& folder) {
  return count_lines(read_file(run.metrics_file(folder)));
}

/// The state that a checkpoint carries.
inline nlohmann::json state_of(const std::string& checkpoint) {
  return nlohmann::json::parse(SafetensorsFile(checkpoint).metadata().at("tandem.state"));
}

/// Checks that two runs logged the same events, and ended in the same weights, velocities and state.
inline void check_same_run(const TinyRun& run, const std::string& expected_folder, const std::string& folder) {
  CHECK(run.metrics(folder) == run.metrics(expected_folder));
  CHECK(state_of(run.best(folder)) == state_of(run.best(expected_folder)));
  CHECK(state_of(run.last(folder)) == state_of(run.last(expected_folder)));
  const SafetensorsFile expected(run.last(expected_folder)), actual(run.last(folder));
  REQUIRE(actual.entries().size() == expected.entries().size());
  for (const SafetensorsEntry& tensor : expected.entries()) {
    const SafetensorsEntry* other = actual.find(tensor.name);
    INFO(tensor.name);
    REQUIRE(other != nullptr);
    REQUIRE(other->data.size() == tensor.data.size());
    REQUIRE(std::memcmp(other->data.data(), tensor.data.data(), tensor.data.size()) == 0);
  }
  for (const auto& file : std::filesystem::directory_iterator(run.path(folder + "/checkpoints")))
    CHECK((file.path().filename() == "last.safetensors" || file.path().filename() == "best.safetensors"));
}

}  // namespace tandem::test
