#pragma once
// Runs of tandem-train that take a second: ResNet-18 on twelve synthetic images of 32 pixels. Five pairs a step do not
// divide twelve images, so that steps lie across the ends of epochs: these come after the steps 3, 5, 8, 10, ...

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace tandem::test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::ptrdiff_t count_lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

inline bool has_part(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Checks that a program refused to begin: nothing on its error stream but one line, "error: ...", with `part` in it.
inline void check_refused(const Outcome& outcome, const std::string& part, int status = 2) {
  INFO("expected: " << part << "\nstderr: " << outcome.error);
  CHECK(outcome.status == status);
  CHECK(count_lines(outcome.error) == 1);
  CHECK(outcome.error.rfind("error: ", 0) == 0);
  CHECK(has_part(outcome.error, part));
}

/// Checks that a program failed on its way: its last line, and no other, is "error: ...", with `part` in it.
inline void check_failed(const Outcome& outcome, const std::string& part, int status) {
  INFO("expected: " << part << "\nstderr: " << outcome.error);
  CHECK(outcome.status == status);
  const std::size_t error = outcome.error.find("error: ");
  REQUIRE(error != std::string::npos);
  CHECK((error == 0 || outcome.error[error - 1] == '\n'));
  CHECK(count_lines(outcome.error.substr(error)) == 1);
  CHECK(has_part(outcome.error.substr(error), part));
}

/// Every file below a folder, with a hash of its content: to see that nothing changed.
inline std::map<std::string, std::size_t> snapshot(const std::filesystem::path& folder) {
  std::map<std::string, std::size_t> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[entry.path().string()] = std::hash<std::string>()(read_file(entry.path()));
  return files;
}

class TinyRun {
 public:
  TinyRun() {
    const Outcome drawn = run_to_end({"tandem-data", "synth", "--out", path("set"), "--train", "4", "--test", "2",
                                      "--size", "32", "--classes", "3"});
    if (drawn.status != 0) throw std::runtime_error("tandem-data synth: " + drawn.error);
    dir_.write("config.json", config().dump());
  }

  /// A path in the run's own folder, which holds set/ (the images), config.json and the output folders.
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  const TempDir& dir() const { return dir_; }

  /// What config.json holds; output is the folder "run".
  nlohmann::json config() const {
    return {{"device", "cpu"},
            {"output", path("run")},
            {"model", {{"arch", "resnet18"}, {"embedding", {16}}}},
            {"data",
             {{"train", {{"list", path("set/train.txt")}}},
              {"eval", {{"list", path("set/test.txt")}}},
              {"image_size", 32},
              {"workers", 2}}},
            {"pairs", {{"batch", 5}}},
            {"optimizer", {{"lr", 0.01}}},
            {"train", {{"epochs", 3}}},
            {"checkpoint", {{"keep", 0}}}};
  }

  /// Starts tandem-train on config.json; an argument without a dash in front is an override, "train.epochs=2".
  Program start(const std::vector<std::string>& arguments, const ProgramOptions& options = {}) const {
    std::vector<std::string> argv = {"tandem-train", path("config.json")};
    for (const std::string& argument : arguments) {
      if (argument.front() != '-') argv.emplace_back("--set");
      argv.push_back(argument);
    }
    return Program(std::move(argv), options);
  }
  Outcome train(const std::vector<std::string>& arguments, const ProgramOptions& options = {}) const {
    return start(arguments, options).wait();
  }
  /// The same, for a run that must succeed.
  Outcome must_train(const std::vector<std::string>& arguments, const ProgramOptions& options = {}) const {
    Outcome outcome = train(arguments, options);
    INFO(outcome.error);
    REQUIRE(outcome.status == 0);
    return outcome;
  }

  /// The override that gives a run an output folder of its own.
  std::string output(const std::string& folder) const { return "output=" + path(folder); }

  std::string last(const std::string& folder = "run") const { return path(folder + "/checkpoints/last.safetensors"); }
  std::string best(const std::string& folder = "run") const { return path(folder + "/checkpoints/best.safetensors"); }
  std::string metrics_file(const std::string& folder = "run") const { return path(folder + "/metrics.jsonl"); }

  /// The events of metrics.jsonl without what measures time.
  std::vector<nlohmann::json> metrics(const std::string& folder = "run") const {
    std::vector<nlohmann::json> events;
    std::ifstream file(metrics_file(folder));
    for (std::string line; std::getline(file, line);) {
      events.push_back(nlohmann::json::parse(line));
      REQUIRE(events.back().erase("images_per_s") == 1);
    }
    return events;
  }

 private:
  TempDir dir_;
};

}  // namespace tandem::test
