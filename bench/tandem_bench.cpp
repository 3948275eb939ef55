// tandem-bench: speed of a training step, and agreement with reference figures. Each prints one JSON line.

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "bench/fixture.h"
#include "bench/step.h"
#include "core/program.h"
#include "train/precision.h"

namespace {

using namespace tandem;

int run_step(const std::string& device, const std::string& precision, const StepBenchOptions& options) {
  const auto backend = open_backend(device);
  std::cout << bench_step(*backend, compute_type(*backend, parse_precision(precision)), options).dump() << '\n';
  return 0;
}

int run_fixture_file(const std::string& device, const std::string& precision, const std::string& path) {
  std::ifstream file(path);
  if (!file) fail_input("{}: cannot be opened, expected a fixture file", path);
  const auto fixture = nlohmann::json::parse(file, nullptr, false);
  if (fixture.is_discarded()) fail_input("{}: not JSON, expected a fixture file", path);
  const auto backend = open_backend(device);
  const DType compute = compute_type(*backend, parse_precision(precision));
  std::cout << to_json(run_fixture(*backend, compute, fixture)).dump() << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures Tandem.");
  app.require_subcommand(1);
  std::string device = "cpu", precision = "fp32", fixture_precision = "fp64", path;
  StepBenchOptions options;

  CLI::App* step = app.add_subcommand("step", "Times training steps on random images");
  step->add_option("--device", device, "cpu or cuda[:K]")->capture_default_str();
  step->add_option("--precision", precision, "fp32, bf16, fp64 or auto")->capture_default_str();
  step->add_option("--arch", options.arch, "resnet18, resnet34, resnet50 or resnet101")->capture_default_str();
  step->add_option("--pairs", options.pairs, "Pairs a step")->capture_default_str()->check(CLI::Range(1, 1 << 16));
  step->add_option("--size", options.size, "Image height and width")->capture_default_str()->check(CLI::Range(1, 4096));
  step->add_option("--steps", options.steps, "Timed steps")->capture_default_str()->check(CLI::Range(1, 1 << 20));
  step->add_option("--warmup", options.warmup, "Steps before them")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));

  CLI::App* fixture = app.add_subcommand("fixture", "Compares a few steps with the figures of a fixture file");
  fixture->add_option("FILE", path, "The fixture")->required();
  fixture->add_option("--device", device, "cpu or cuda[:K]")->capture_default_str();
  fixture->add_option("--precision", fixture_precision, "fp64, fp32 or bf16")->capture_default_str();

  return run_program(app, argc, argv, [&] {
    return *step ? run_step(device, precision, options) : run_fixture_file(device, fixture_precision, path);
  });
}
