// tandem-bench: speed of a training step, where its time goes, and agreement with reference figures.

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "bench/compare.h"
#include "bench/fixture.h"
#include "bench/layers.h"
#include "bench/loader.h"
#include "bench/step.h"
#include "core/base/program.h"
#include "inference/engine.h"
#include "inference/out_of_memory.h"
#include "layers/backbones/factory.h"

namespace tandem {
namespace {

struct Target {
  std::string device = "cpu", precision = "fp32";
  EngineOptions engine;
};

/// InputError for a flag that does nothing on the target's device.
void check_flags(const Target& target) {
  const bool cuda = device_named(target.device).kind == DeviceKind::cuda;
  if (!cuda && !target.engine.deterministic)
    fail_input("--nondeterministic: the CPU is always deterministic, expected a CUDA device");
  if (cuda && target.engine.autotune) fail_input("--autotune: is for the CPU's convolutions, expected --device cpu");
}

/// What body(engine) returns for the target.
template <class Body>
auto on_target(const Target& target, const Body& body) {
  check_flags(target);
  return body(open_engine(target.device, parse_precision(target.precision), target.engine));
}

/// The table as text, or as one JSON line.
template <class Table>
std::string shown(const Table& table, bool json) {
  return json ? to_json(table).dump() + "\n" : to_text(table);
}

/// What `bench` returns; when out of memory, names a number of pairs that fits.
nlohmann::ordered_json timed_steps(decltype(&bench_step) bench, const Engine& engine, const StepBenchOptions& options) {
  try {
    return bench(*engine.backend, engine.compute, options);
  } catch (const OutOfMemory& e) {
    fail_with_a_batch_that_fits(e, "--pairs ", options.pairs, [&](int pairs) {
      StepBenchOptions smaller = options;
      smaller.pairs = pairs;
      smaller.steps = 1;
      bench(*engine.backend, engine.compute, smaller);
    });
  }
}

nlohmann::json read_fixture_file(const std::string& path) {
  std::error_code unknown;  // Then opening it says what is wrong.
  if (std::filesystem::is_directory(path, unknown)) fail_input("{}: is a folder, expected a fixture file", path);
  errno = 0;
  std::ifstream file(path);
  if (!file) fail_input("{}: cannot open the fixture: {}", path, std::strerror(errno));
  auto fixture = nlohmann::json::parse(file, nullptr, false);
  if (fixture.is_discarded()) fail_input("{}: not JSON, expected a fixture file", path);
  return fixture;
}

/// run_fixture() for the figures of a file, which errors name.
FixtureResult run_fixture_file(const Engine& engine, const std::string& path, const nlohmann::json& figures) {
  try {
    return run_fixture(*engine.backend, engine.compute, figures);
  } catch (const InputError& e) {
    fail_input("{}: {}", path, e.what());
  }
}

struct Peers {
  std::string python, script = "bench/peers/torch_twin.py", floor;
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
  if (!target.engine.deterministic) all[0].command.emplace_back("--nondeterministic");
  if (target.engine.autotune) all[0] = {"Tandem, autotuned", joined(all[0].command, {"--autotune"})};
  if (!peers.python.empty())
    for (const char* towers : {"separate", "stacked"})
      all.push_back({fmt::format("PyTorch, towers {}", towers),
                     joined(joined({peers.python, peers.script, "bench"}, steps), {"--towers", towers})});
  if (!peers.floor.empty())
    all.push_back(
        {"convolutions alone", joined(joined({peers.floor}, problem), {"--batch", std::to_string(2 * options.pairs)})});
  return all;
}

void add_target_options(CLI::App* command, Target& target) {
  command->add_option("--device", target.device, "auto, cpu or cuda[:K]")->capture_default_str();
  command->add_option("--precision", target.precision, "fp32, tf32, bf16, fp16, fp64 or auto")->capture_default_str();
  command->add_flag("--autotune", target.engine.autotune, "CPU: convolutions in the way that proves fastest here");
  command->add_flag_callback(
      "--nondeterministic", [&target] { target.engine.deterministic = false; },
      "CUDA: the same inputs need not give the same bits");
}

void add_count(CLI::App* command, const char* name, int& value, const char* meaning, int low, int high) {
  command->add_option(name, value, meaning)->capture_default_str()->check(CLI::Range(low, high));
}

void add_step_options(CLI::App* command, Target& target, StepBenchOptions& options) {
  add_target_options(command, target);
  command->add_option("--arch", options.arch, "One of " + known_backbones())->capture_default_str();
  add_count(command, "--pairs", options.pairs, "Pairs a step", 1, 1 << 16);
  add_count(command, "--size", options.size, "Image height and width", 1, 4096);
  add_count(command, "--steps", options.steps, "Timed steps", 1, 1 << 20);
  add_count(command, "--warmup", options.warmup, "Steps before them", 0, 1 << 20);
}

void add_capture_option(CLI::App* command, StepBenchOptions& options) {
  command->add_flag_callback(
      "--no-capture", [&options] { options.capture = false; }, "CUDA: launches each kernel by itself");
}

void add_loader_options(CLI::App* command, LoaderBenchOptions& options, std::string& photos) {
  CLI::Option* data = command->add_option("DATA", options.data, "List file, or folder with one subfolder a class");
  command->add_option("--photos", photos, "Instead of DATA: a folder for photos of 12 and 2 megapixels and 400 pixels")
      ->excludes(data);
  command->add_flag("!--full-decode", options.fast_decode, "Decode JPEG images at full size");
  add_count(command, "--size", options.size, "Image height and width", 1, 4096);
  add_count(command, "--workers", options.workers, "Threads", 0, 256);
  add_count(command, "--batches", options.batches, "Batches of 64 images", 1, 1 << 20);
}

void add_peer_options(CLI::App* command, Peers& peers) {
  command->add_option("--python", peers.python, "A Python that has torch and torchvision; without it no PyTorch");
  command->add_option("--script", peers.script, "The same job in PyTorch")->capture_default_str();
  command->add_option("--floor", peers.floor, "A program that times the convolutions alone");
  add_count(command, "--rounds", peers.rounds, "Turns", 1, 1000);
}

int run(int argc, char** argv) {
  CLI::App app("Measures Tandem.");
  app.require_subcommand(1);
  Target target, fixture_target{"cpu", "fp64", {}};
  StepBenchOptions options;
  LoaderBenchOptions loader;
  Peers peers;
  bool json = false;
  std::string path, photos;

  CLI::App* step = app.add_subcommand("step", "Times training steps on random images; prints one JSON line");
  CLI::App* inference = app.add_subcommand("inference", "Times tandem-eval's forward pass; prints one JSON line");
  CLI::App* layers =
      app.add_subcommand("layers", "Times every op of a training step, beside what the machine could do");
  CLI::App* loading = app.add_subcommand("loader", "Times decoding and augmenting; prints one JSON line");
  CLI::App* comparison = app.add_subcommand("compare", "Times training steps beside PyTorch's, in turns");
  CLI::App* fixture =
      app.add_subcommand("fixture", "Compares a few steps with the figures of a fixture file; prints one JSON line");
  for (CLI::App* command : {step, inference, layers, comparison}) add_step_options(command, target, options);
  for (CLI::App* command : {layers, comparison})
    command->add_flag("--json", json, "Prints one JSON line instead of a table");
  add_capture_option(step, options);
  add_count(step, "--accumulate", options.accumulate, "Batches of that many pairs a step", 1, 64);
  step->add_flag("--ema", options.ema, "Average the weights");
  step->add_option("--clip-norm", options.clip_norm, "Scale the gradients' norm down to it")
      ->check(CLI::PositiveNumber);
  step->add_option("--freeze", options.freeze, "Pattern of parameters that are not trained; may be repeated")
      ->allow_extra_args(false);
  add_loader_options(loading, loader, photos);
  add_peer_options(comparison, peers);
  fixture->add_option("FILE", path, "The fixture")->required();
  add_target_options(fixture, fixture_target);

  const auto output = [&]() -> std::string {
    if (*comparison) check_flags(target);
    if (*comparison) return shown(compare(contestants(target, options, peers), peers.rounds), json);
    if (*loading && photos.empty() && loader.data.empty()) fail_input("loader: expected DATA or --photos FOLDER");
    if (*loading) return (photos.empty() ? bench_loader(loader) : bench_photos(photos, loader)).dump() + "\n";
    if (*fixture) {
      const nlohmann::json figures = read_fixture_file(path);
      return on_target(fixture_target, [&](const Engine& engine) {
        return to_json(run_fixture_file(engine, path, figures)).dump() + "\n";
      });
    }
    return on_target(target, [&](const Engine& engine) {
      options.precision = engine.precision;
      if (!options.capture && !engine.on_cuda())
        fail_input("--no-capture: the CPU captures no step, expected a CUDA device");
      if (*step && engine.on_cuda()) options.in_flight = 10;
      if (*layers) return shown(bench_layers(*engine.backend, engine.compute, options), json);
      return timed_steps(*step ? bench_step : bench_inference, engine, options).dump() + "\n";
    });
  };
  return run_program(app, argc, argv, [&] {
    std::cout << output();
    return 0;
  });
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::run(argc, argv); }
