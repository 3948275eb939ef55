// tandem-bench: speed of a training step, where its time goes, and agreement with reference figures.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "bench/compare.h"
#include "bench/fixture.h"
#include "bench/layers.h"
#include "bench/loader.h"
#include "bench/step.h"
#include "core/program.h"
#include "train/precision.h"

namespace tandem {
namespace {

struct Target {
  std::string device = "cpu", precision = "fp32";
  CpuConfig cpu;
};

int run_step(const Target& target, const StepBenchOptions& options) {
  const auto backend = open_backend(target.device, target.cpu);
  std::cout << bench_step(*backend, compute_type(*backend, parse_precision(target.precision)), options).dump() << '\n';
  return 0;
}

int run_inference(const Target& target, const StepBenchOptions& options) {
  const auto backend = open_backend(target.device, target.cpu);
  std::cout << bench_inference(*backend, compute_type(*backend, parse_precision(target.precision)), options).dump()
            << '\n';
  return 0;
}

int run_layers(const Target& target, const StepBenchOptions& options, bool json) {
  const auto backend = open_backend(target.device, target.cpu);
  const LayerTable table = bench_layers(*backend, compute_type(*backend, parse_precision(target.precision)), options);
  std::cout << (json ? to_json(table).dump() + "\n" : to_text(table));
  return 0;
}

int run_fixture_file(const Target& target, const std::string& path) {
  std::ifstream file(path);
  if (!file) fail_input("{}: cannot be opened, expected a fixture file", path);
  const auto fixture = nlohmann::json::parse(file, nullptr, false);
  if (fixture.is_discarded()) fail_input("{}: not JSON, expected a fixture file", path);
  const auto backend = open_backend(target.device, target.cpu);
  const DType compute = compute_type(*backend, parse_precision(target.precision));
  std::cout << to_json(run_fixture(*backend, compute, fixture)).dump() << '\n';
  return 0;
}

struct Peers {
  std::string python, script = "../shared/peers/torch_twin.py", floor;
  int rounds = 3;
};

/// tandem-bench step itself and the peers that were named, for the same job.
std::vector<Contestant> contestants(const Target& target, const StepBenchOptions& options, const Peers& peers) {
  using Words = std::vector<std::string>;
  const auto joined = [](Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const Words problem{"--precision", target.precision, "--size", std::to_string(options.size)};
  const Words steps =
      joined(problem, {"--pairs", std::to_string(options.pairs), "--steps", std::to_string(options.steps), "--warmup",
                       std::to_string(options.warmup), "--arch", options.arch, "--device", target.device});
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::vector<Contestant> all{{"Tandem", joined({self, "step"}, steps)}};
  if (target.cpu.autotune) all[0] = {"Tandem, autotuned", joined(all[0].command, {"--autotune"})};
  if (!peers.python.empty())
    for (const char* towers : {"separate", "stacked"})
      all.push_back({fmt::format("PyTorch, towers {}", towers),
                     joined(joined({peers.python, peers.script, "bench"}, steps), {"--towers", towers})});
  if (!peers.floor.empty())
    all.push_back(
        {"convolutions alone", joined(joined({peers.floor}, problem), {"--batch", std::to_string(2 * options.pairs)})});
  return all;
}

int run_compare(const Target& target, const StepBenchOptions& options, const Peers& peers, bool json) {
  const auto standings = compare(contestants(target, options, peers), peers.rounds);
  std::cout << (json ? to_json(standings).dump() + "\n" : to_text(standings));
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app("Measures Tandem.");
  app.require_subcommand(1);
  std::string path;
  Target target, fixture_target{"cpu", "fp64", {}};
  StepBenchOptions options;

  const auto add_target_options = [](CLI::App* command, Target& where) {
    command->add_option("--device", where.device, "cpu or cuda[:K]")->capture_default_str();
    command->add_option("--precision", where.precision, "fp32, bf16, fp64 or auto")->capture_default_str();
    command->add_flag("--autotune", where.cpu.autotune, "CPU: convolutions in the way that proves fastest here");
  };
  const auto add_step_options = [&](CLI::App* command) {
    add_target_options(command, target);
    command->add_option("--arch", options.arch, "resnet18, resnet34, resnet50 or resnet101")->capture_default_str();
    const auto add_count = [&](const char* name, int& value, const char* meaning, int low, int high) {
      command->add_option(name, value, meaning)->capture_default_str()->check(CLI::Range(low, high));
    };
    add_count("--pairs", options.pairs, "Pairs a step", 1, 1 << 16);
    add_count("--size", options.size, "Image height and width", 1, 4096);
    add_count("--steps", options.steps, "Timed steps", 1, 1 << 20);
    add_count("--warmup", options.warmup, "Steps before them", 0, 1 << 20);
  };
  CLI::App* step = app.add_subcommand("step", "Times training steps on random images; prints one JSON line");
  add_step_options(step);
  CLI::App* inference = app.add_subcommand("inference", "Times tandem-eval's forward pass; prints one JSON line");
  add_step_options(inference);
  CLI::App* layers =
      app.add_subcommand("layers", "Times every op of a training step, beside what the machine could do");
  add_step_options(layers);
  bool json = false;
  layers->add_flag("--json", json, "Prints one JSON line instead of a table");

  CLI::App* loading = app.add_subcommand("loader", "Times decoding and augmenting; prints one JSON line");
  LoaderBenchOptions loader;
  loading->add_option("DATA", loader.data, "List file, or folder with one subfolder a class")->required();
  loading->add_option("--size", loader.size, "Image height and width")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  loading->add_option("--workers", loader.workers, "Threads")->capture_default_str()->check(CLI::Range(0, 256));
  loading->add_option("--batches", loader.batches, "Batches of 64 images")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));

  CLI::App* comparison = app.add_subcommand("compare", "Times training steps beside PyTorch's, in turns");
  add_step_options(comparison);
  Peers peers;
  comparison->add_option("--python", peers.python, "A Python that has torch and torchvision; without it no PyTorch");
  comparison->add_option("--script", peers.script, "The same job in PyTorch")->capture_default_str();
  comparison->add_option("--floor", peers.floor, "A program that times the convolutions alone");
  comparison->add_option("--rounds", peers.rounds, "Turns")->capture_default_str()->check(CLI::Range(1, 1000));
  comparison->add_flag("--json", json, "Prints one JSON line instead of a table");

  CLI::App* fixture =
      app.add_subcommand("fixture", "Compares a few steps with the figures of a fixture file; prints one JSON line");
  fixture->add_option("FILE", path, "The fixture")->required();
  add_target_options(fixture, fixture_target);

  return run_program(app, argc, argv, [&] {
    if (*step) return run_step(target, options);
    if (*inference) return run_inference(target, options);
    if (*loading) {
      std::cout << bench_loader(loader).dump() << '\n';
      return 0;
    }
    if (*comparison) return run_compare(target, options, peers, json);
    if (*layers) return run_layers(target, options, json);
    return run_fixture_file(fixture_target, path);
  });
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::run(argc, argv); }
