// Command lines and files that tandem-bench cannot use.

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "data/image/image.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using test::check_refused;
using test::run_to_end;

TEST_CASE("tandem bench refuses a flag that would do nothing") {
  const std::vector<std::string> small = {"--arch", "resnet18", "--pairs", "2", "--size", "8", "--steps", "1"};
  for (const char* command : {"step", "inference", "layers", "compare"}) {
    std::vector<std::string> argv = {"tandem-bench", command, "--nondeterministic"};
    argv.insert(argv.end(), small.begin(), small.end());
    check_refused(run_to_end(argv), "--nondeterministic: the CPU is always deterministic, expected a CUDA device");
  }
  check_refused(run_to_end({"tandem-bench", "step", "--device", "cuda", "--autotune"}), "--autotune: ");
}

TEST_CASE("tandem bench times a step of which a part is frozen, which holds less") {
  const auto tensors = [](const std::vector<std::string>& more) {
    std::vector<std::string> argv = {"tandem-bench", "step", "--arch",  "resnet18", "--pairs",  "4",
                                     "--size",       "64",   "--steps", "1",        "--warmup", "1"};
    argv.insert(argv.end(), more.begin(), more.end());
    const test::Outcome outcome = run_to_end(argv);
    INFO(outcome.error);
    REQUIRE(outcome.status == 0);
    return nlohmann::json::parse(outcome.out).at("tensors_mib").get<double>();
  };
  CHECK(tensors({"--freeze", "backbone.*"}) < 0.9 * tensors({}));
  check_refused(run_to_end({"tandem-bench", "step", "--arch", "resnet18", "--freeze", "layer9.*"}),
                "--freeze layer9.*: fits no parameter, expected a pattern of conv1.*, bn1.*");
}

TEST_CASE("tandem bench times a loader of a data set") {
  const test::TempDir dir;
  for (const char* name : {"a/1.jpg", "b/1.jpg"}) {
    std::filesystem::create_directories((dir / name).parent_path());
    write_jpeg(Image{40, 50, std::vector<std::uint8_t>(std::size_t{40} * 50 * 3, 99)}, 90, dir / name);
  }
  const std::string data = dir.path().string();
  const test::Outcome outcome =
      run_to_end({"tandem-bench", "loader", data, "--size", "16", "--batches", "2", "--workers", "1", "--full-decode"});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  const auto answer = nlohmann::json::parse(outcome.out);
  CHECK(answer.at("images") == 128);
  CHECK(answer.at("images_per_s") > 0);
  CHECK(answer.at("images_per_cpu_s") > 0);
  CHECK(answer.at("fast_decode") == false);
  check_refused(run_to_end({"tandem-bench", "loader"}), "loader: expected DATA or --photos FOLDER");
  CHECK(run_to_end({"tandem-bench", "loader", data, "--photos", data}).status == 2);
}

TEST_CASE("tandem bench names the fixture that it cannot use") {
  const test::TempDir dir;
  const std::string folder = dir.path().string();
  check_refused(run_to_end({"tandem-bench", "fixture", folder}), folder + ": is a folder, expected a fixture file");
  const std::string missing = (dir / "no.json").string();
  check_refused(run_to_end({"tandem-bench", "fixture", missing}), missing + ": cannot open the fixture: No such file");
  auto fixture = nlohmann::json::parse(
      test::read_file(std::string(TANDEM_TEST_DATA) + "/bench/fixtures/resnet18_32px_6pairs_separate.json"));
  fixture["size"] = 4'000'000'000;
  const std::string large = dir.write("large.json", fixture.dump()).string();
  check_refused(run_to_end({"tandem-bench", "fixture", large}), large + ": fixture: size 4000000000");
  fixture["size"] = 32;
  fixture["pairs"] = 4'000'000'000;
  const std::string many = dir.write("many.json", fixture.dump()).string();
  check_refused(run_to_end({"tandem-bench", "fixture", many}), many + ": fixture: size 32 and pairs 4000000000");
}

}  // namespace
}  // namespace tandem
