// A run with cpu.autotune goes on as it was measured once, whatever the cache of measurements says by then.

#include <sstream>

#include "tests/support/same_run.h"

namespace tandem {
namespace {

using test::check_same_run;
using test::logged_lines;
using test::Outcome;
using test::Program;
using test::ProgramOptions;
using test::TinyRun;
using test::with;

const std::vector<std::string> kTuned = {"cpu.autotune=true", "checkpoint.every_steps=2", "schedule.type=constant",
                                         "schedule.warmup=0"};

ProgramOptions with_cache(const std::string& folder) {
  ProgramOptions options;
  options.environment.push_back("TANDEM_CACHE=" + folder);
  return options;
}

/// A folder that nobody can make, root neither: it would be in a file.
ProgramOptions without_cache(const TinyRun& run) { return with_cache(run.path("config.json/cache")); }

/// A cache with every choice of another one changed. Of several lines for a convolution the first is taken whose method
/// there is.
std::string opposite(const std::string& choices) {
  std::string lines;
  std::istringstream file(choices);
  for (std::string line; std::getline(file, line);) {
    const std::size_t method = line.rfind('\t') + 1;
    for (const std::string other : {"winograd", "gemm", "direct"})
      if (other != line.substr(method)) lines += line.substr(0, method) + other + "\n";
  }
  return lines;
}

/// Trains in `folder` until so many epochs are done. The first one meets every convolution that there is.
Outcome train_to(int epochs, const TinyRun& run, const std::string& folder, const ProgramOptions& options) {
  return run.must_train(with(kTuned, {run.output(folder), "--resume", "train.epochs=" + std::to_string(epochs)}),
                        options);
}

TEST_CASE("the choices of a run count before those of the cache") {
  const TinyRun run;
  train_to(3, run, "whole", with_cache(run.path("cache")));
  const std::string measured = test::read_file(run.path("cache/convolutions.txt"));
  REQUIRE_FALSE(measured.empty());
  train_to(1, run, "moved", with_cache(run.path("cache")));
  run.dir().write("other/convolutions.txt", opposite(measured));
  train_to(2, run, "moved", with_cache(run.path("other")));
  train_to(3, run, "moved", without_cache(run));
  CHECK_FALSE(test::state_of(run.last("moved")).at("autotune").empty());
  check_same_run(run, "whole", "moved");
}

TEST_CASE("a killed run with cpu.autotune and a cache that cannot be written resumes to the same bits") {
  const TinyRun run;
  const ProgramOptions options = without_cache(run);
  const Outcome begun = train_to(1, run, "whole", options);
  CHECK(test::has_part(begun.error, "cpu.autotune: cannot write " + run.path("config.json/cache/convolutions.txt") +
                                        ": Not a directory: only the checkpoints of this run keep its choices\n"));
  const auto choices = test::state_of(run.last("whole")).at("autotune");
  CHECK_FALSE(choices.empty());
  std::filesystem::copy(run.path("whole"), run.path("killed"), std::filesystem::copy_options::recursive);

  train_to(3, run, "whole", options);
  const std::ptrdiff_t lines = logged_lines(run, "whole");
  for (std::ptrdiff_t line = logged_lines(run, "killed") + 1; line < lines; line += 2) {
    Program program = run.start(with(kTuned, {run.output("killed"), "--resume", "train.epochs=3"}), options);
    REQUIRE(program.wait_until([&] { return logged_lines(run, "killed") >= line; }));
    program.kill(SIGKILL);
    program.wait();
  }
  train_to(3, run, "killed", options);
  CHECK(test::state_of(run.last("killed")).at("autotune") == choices);
  check_same_run(run, "whole", "killed");
}

}  // namespace
}  // namespace tandem
