// tandem-convert: weights that another program trained, as a checkpoint of Tandem's.

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "core/base/error.h"
#include "core/base/program.h"
#include "inference/model/caffe_config.h"
#include "inference/model/import.h"
#include "io/atomic_file.h"
#include "weights/content.h"

namespace tandem {
namespace {

struct Options {
  std::string in, net, solver, key, out, classes, channels, interpolation = "bilinear";
  std::vector<double> mean;
  ImportOptions import;
  std::int64_t images = 0;
  bool inspect = false, quiet = false, squash = false, no_antialias = false, strict = false;
};

/// A name a line.
std::vector<std::string> read_classes(const std::string& path) {
  std::ifstream file(path);
  if (!file) fail_input("--classes: {}: cannot open", path);
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || printable(line) != line)
      fail_input("--classes: {}:{}: expected the name of a class", path, names.size() + 1);
    names.push_back(line);
  }
  return names;
}

int inspect(const Options& o) {
  const WeightsFile file = read_weights(o.in);
  std::cout << fmt::format("format: {}\n", file.format);
  for (const auto& [key, value] : file.metadata) std::cout << fmt::format("{}: {}\n", printable(key), printable(value));
  std::size_t bytes = 0;
  for (const WeightsEntry& entry : file.entries) {
    std::cout << fmt::format("{:<48} {}\n", printable(entry.name), describe_tensor(entry.dtype, entry.shape));
    bytes += entry.data.size();
  }
  for (const std::string& note : file.notes) std::cout << fmt::format("note: {}\n", note);
  std::cout << fmt::format("{} tensors, {:.1f} MB\n", file.entries.size(), static_cast<double>(bytes) / 1e6);
  return 0;
}

/// A network and a solver of Caffe's as a config.
int migrate(const Options& o) {
  if (o.net.empty()) fail_input("--solver: expected the network, --net train.prototxt, as well");
  // A single file is what is written.
  const std::string& out = o.out.empty() ? o.in : o.out;
  if (out.empty()) fail_input("--solver: expected a config to write, OUT.json");
  const std::string weights = o.out.empty() ? "" : o.in;
  for (const std::string& in : {o.solver, o.net, weights}) {
    std::error_code ignored;
    if (!in.empty() && std::filesystem::equivalent(in, out, ignored))
      fail_input("{}: one of the files to read, expected another one to write", out);
  }
  const CaffeMigration migration = migrate_caffe_config({o.solver, o.net, weights, o.images});
  std::size_t missing = 0;
  for (const CaffeFinding& finding : migration.findings) {
    std::cout << describe(finding) << '\n';
    missing += finding.kind == CaffeFinding::Kind::missing ? 1U : 0U;
  }
  if (o.strict && missing > 0) fail_input("--strict: {} things without a counterpart, expected none", missing);
  const std::filesystem::path folder = std::filesystem::path(out).parent_path();
  require_writable_folder(folder.empty() ? "." : folder);
  write_file_atomically(out, migration.config.dump(2) + "\n");
  std::cout << fmt::format("written: {}\n", out);
  return 0;
}

/// What is said of the input on the command line.
void take_input(Options& o) {
  if (!o.mean.empty()) o.import.mean = {o.mean[0], o.mean[1], o.mean[2]};
  if (!o.channels.empty()) o.import.bgr = o.channels == "BGR";
  InputOptions& form = o.import.form;
  if (o.squash) form.resize = InputOptions::Resize::squash;
  for (const auto& [interpolation, name] : enum_names(Interpolation{}))
    if (name == o.interpolation) form.interpolation = interpolation;
  form.antialias = !o.no_antialias;
  if (o.no_antialias && form.interpolation != Interpolation::bilinear)
    fail_input("--no-antialias: expected it with --interpolation bilinear, got {}", o.interpolation);
}

int convert(Options& o) {
  if (!o.solver.empty()) return migrate(o);
  if (o.in.empty()) fail_input("expected a file of weights, IN");
  if (o.inspect) {
    if (!o.out.empty()) fail_input("--inspect: got an OUT, {}, as well: expected one file to list", o.out);
    return inspect(o);
  }
  if (o.out.empty()) fail_input("expected a file to write, OUT.safetensors, or --inspect");
  for (const std::string& in : {o.in, o.net, o.classes}) {
    std::error_code ignored;
    if (!in.empty() && std::filesystem::equivalent(in, o.out, ignored))
      fail_input("{}: one of the files to read, expected another one to write", o.out);
  }
  if (!o.classes.empty()) o.import.classes = read_classes(o.classes);
  take_input(o);
  ResNetWeights weights = read_network({o.in, o.net, o.key});
  const ModelDescription model = describe_import(o.in, o.import, weights);
  const std::filesystem::path folder = std::filesystem::path(o.out).parent_path();
  require_writable_folder(folder.empty() ? "." : folder);
  const Match match = write_import(o.in, weights, model, o.out);
  if (!o.quiet) std::cout << describe_match(match, weights.origins);
  for (const std::string& note : weights.notes) std::cout << fmt::format("note: {}\n", note);
  std::cout << fmt::format("model: {}\nwritten: {}\n", to_json(model).dump(), o.out);
  return 0;
}

int run(int argc, char** argv) {
  Options o;
  CLI::App app("Makes a checkpoint of a ResNet that PyTorch, torchvision, timm or Caffe trained.", "tandem-convert");
  app.add_option("IN", o.in, "Weights: .safetensors, an index of them, .pt, .pth, .caffemodel or .onnx");
  app.add_option("OUT", o.out, "The checkpoint to write, for tandem-predict, tandem-eval and model.weights");
  app.add_flag("--inspect", o.inspect, "List what IN holds, and write nothing");
  app.add_option("--net", o.net, "Caffe: the network, deploy.prototxt (default: as IN itself describes it)");
  auto* solver =
      app.add_option("--solver", o.solver,
                     "Caffe: how it was trained, solver.prototxt; with --net train.prototxt, a config for "
                     "tandem-train is written to OUT.json, which starts with IN's weights if there is an IN");
  app.add_option("--images", o.images, "With --solver: how many training images there are, for train.epochs")
      ->check(CLI::PositiveNumber)
      ->needs(solver);
  app.add_flag("--strict", o.strict, "With --solver: what has no counterpart in a config is an error")->needs(solver);
  app.add_option("--key", o.key, "Which of several sets of weights in IN, model_ema for one");
  app.add_option("--classes", o.classes, "A file with the name of a class on each line (default: 0, 1, ...)");
  app.add_option("--mean", o.mean, "What is subtracted from pixels of 0 to 255, in the order of IN's channels")
      ->expected(3)
      ->delimiter(',');
  app.add_option("--scale", o.import.scale, "What the difference is multiplied by")->check(CLI::PositiveNumber);
  app.add_option("--size", o.import.size, "Height and width of the input in pixels")->check(CLI::Range(8, 4096));
  app.add_option("--channels", o.channels,
                 "The order in which IN's network takes channels (default: as IN says, else RGB)")
      ->check(CLI::IsMember({"RGB", "BGR"}));
  app.add_flag("--squash", o.squash, "Images are resized to a square, whatever their shape");
  app.add_option("--crop", o.import.form.crop, "The share of the resized side that is cut out of the middle")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  app.add_option("--interpolation", o.interpolation, "How images are resized: bilinear, bicubic or lanczos")
      ->check(CLI::IsMember({"bilinear", "bicubic", "lanczos"}))
      ->capture_default_str();
  app.add_flag("--no-antialias", o.no_antialias, "With --interpolation bilinear: as OpenCV and Caffe resize");
  app.add_flag("--quiet", o.quiet, "Without the table of tensors");
  return run_program(app, argc, argv, [&] { return convert(o); });
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::run(argc, argv); }
