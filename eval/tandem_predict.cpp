// tandem-predict: labels new images with a trained network.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>
#include <system_error>
#include <utility>

#include "core/base/error.h"
#include "core/base/program.h"
#include "core/base/timing.h"
#include "data/list/files.h"
#include "data/list/image_walk.h"
#include "data/loader/loader.h"
#include "eval/network_options.h"
#include "eval/prediction_line.h"
#include "inference/predict.h"
#include "io/atomic_file.h"

namespace tandem {
namespace {

constexpr double kSecondsBetweenReports = 10;

struct Options {
  NetworkOptions network;
  std::vector<std::string> images;
  std::string out;
  int top = 0;
  bool embeddings = false;
};

/// InputError if `path` is one of the files that are read, or no place for a file.
void check_output(const std::string& path, const Options& o) {
  const std::filesystem::file_type type = file_type_of(path);
  if (type != std::filesystem::file_type::not_found && type != std::filesystem::file_type::regular)
    fail_input("--out: {}: not a file: expected one to write", path);
  // A pattern of the shell may have put an image there.
  bool read = is_image_name(path) || begins_as_image(path);
  std::vector<std::string> inputs = o.images;
  inputs.push_back(o.network.checkpoint);
  for (const std::string& input : inputs) {
    std::error_code ignored;
    read = read || std::filesystem::equivalent(path, input, ignored);
  }
  if (read) fail_input("--out: {}: an image or the checkpoint: expected another file to write", path);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  require_writable_folder(folder.empty() ? "." : folder);
}

/// InputError where no label can be told.
void check_classifier(const Options& o) {
  constexpr const char* kWhy = "its classifier was not trained (softmax weight 0)";
  if (o.top > 0) fail_input("--top: {}: {}: it has no labels", o.network.checkpoint, kWhy);
  if (!o.embeddings && !o.network.backbone_features)
    fail_input("{}: {}: expected --embeddings or --backbone-features, for lines without labels", o.network.checkpoint,
               kWhy);
}

/// The files to label. Says which links are not followed. What an earlier run wrote to --out is not one of them, if it
/// lies in a folder of images.
std::vector<std::string> files_to_read(const Options& o) {
  ImageFiles files = find_image_files(o.images);
  for (const std::string& circle : files.circles)
    std::cerr << circle << ": a link back to a folder above it, not followed\n";
  std::error_code ignored;
  if (!o.out.empty() && std::filesystem::exists(o.out, ignored))
    std::erase_if(files.paths, [&](const std::string& path) {
      return std::filesystem::equivalent(path, o.out, ignored) &&
             std::find(o.images.begin(), o.images.end(), path) == o.images.end();
    });
  return files.paths;
}

/// Where the lines go: standard output, or a file that appears once it is whole.
class Output {
 public:
  explicit Output(const std::string& path) {
    if (!path.empty()) file_.emplace(path);
  }
  bool is_file() const { return file_.has_value(); }
  void write(const std::string& lines) {
    if (file_)
      file_->write(lines);
    else if (!(std::cout << lines << std::flush))
      fail("cannot write to standard output: {}", std::strerror(errno));
  }
  void commit() {
    if (file_) file_->commit();
  }

 private:
  std::optional<AtomicFile> file_;
};

/// The files that cannot be used.
struct Unusable {
  std::size_t files = 0;
  std::string first;  // why

  void add(const std::string& error) {
    if (files++ == 0) first = error;
  }
};

/// Labels every image; a line each, in order.
class Labelling {
 public:
  /// Without `classes` there are no labels.
  Labelling(const Options& options, const ModelDescription& model, std::vector<std::string> classes,
            const std::vector<std::string>& paths, Network& network)
      : options_(options),
        classes_(std::move(classes)),
        paths_(paths),
        loader_(paths, {options.network.batch, model.input, static_cast<unsigned>(options.network.workers),
                        options.network.max_pixels}),
        predictor_(*network.engine.backend, network.engine.compute, network.model, options.network.backbone_features) {}

  Unusable run(Output& output) {
    Unusable unusable;
    double last_told = seconds();
    while (std::optional<Batch> batch = loader_.next()) {
      Predictions predictions;
      predictor_.predict(*batch, predictions);
      loader_.recycle(std::move(*batch));
      output.write(lines(predictions, unusable));
      if (!output.is_file() || seconds() - last_told < kSecondsBetweenReports) continue;
      std::cerr << fmt::format("{} of {} files\n", next_, paths_.size());
      last_told = seconds();
    }
    return unusable;
  }

 private:
  std::string lines(const Predictions& p, Unusable& unusable) {
    const auto row = [](const std::vector<float>& values, std::size_t i, std::int64_t columns) {
      const auto n = static_cast<std::size_t>(columns);
      return std::span(values).subspan(i * n, n);
    };
    const std::string vector = options_.embeddings ? "embedding" : options_.network.backbone_features ? "features" : "";
    std::string text;
    for (std::size_t i = 0; i < p.labels.size(); ++i, ++next_) {
      const std::string& path = paths_[next_];
      std::string error = loader_.error(next_);
      if (error.empty()) {
        try {
          const std::vector<double> probabilities =
              classes_.empty() ? std::vector<double>() : softmax(row(p.logits, i, p.classes));
          text += prediction_line(path, probabilities, classes_, options_.top,
                                  {vector, row(p.embeddings, i, p.dimensions)});
        } catch (const Error& e) {  // An image that overflows a narrow type must not cost the others.
          error = path + ": " + e.what();
        }
      }
      if (error.empty()) continue;
      unusable.add(error);
      text += error_line(path, error);
    }
    return text;
  }

  const Options& options_;
  const std::vector<std::string> classes_;
  const std::vector<std::string>& paths_;
  FileLoader loader_;
  Predictor predictor_;
  std::size_t next_ = 0;  // the image of the next line
};

int predict(const Options& o) {
  const ModelFile file = o.network.read();
  const ModelDescription& model = file.description();
  if (o.embeddings && !model.embedding_trained)
    fail_input(
        "--embeddings: {}: its embedding head was not trained (contrastive weight 0): expected --backbone-features",
        o.network.checkpoint);
  const bool labels = model.classifier_trained;
  if (!labels) check_classifier(o);
  const std::vector<std::string> files = files_to_read(o);
  Network network = o.network.open(file, std::cerr);
  if (!o.out.empty()) check_output(o.out, o);
  Output output(o.out);

  Unusable unusable;
  network.run(o.network.batch, model.input.size, [&] {
    unusable = Labelling(o, model, labels ? model.classes : std::vector<std::string>(), files, network).run(output);
  });
  output.commit();
  if (!o.out.empty()) {
    if (unusable.files == 0) std::cerr << "computed by " << network.description() << '\n';
    std::cout << "written: " << o.out << ", " << files.size() << " lines\n";
  }
  if (unusable.files > 0)
    fail_input("{} of {} files cannot be used; the first: {}", unusable.files, files.size(), unusable.first);
  return 0;
}

int run(int argc, char** argv) {
  Options o;
  CLI::App app("Labels images with a trained network: prints a line of JSON for each.", "tandem-predict");
  CLI::Option* features = o.network.add_to(app, "Also the backbone's pooled features");
  app.add_option("IMAGES", o.images, "Image files, and folders: every file in them and in the folders below")
      ->required();
  app.add_option("--out", o.out, "File for the lines, JSON Lines (default: standard output)");
  app.add_option("--top", o.top, "Also the K most probable labels")->check(CLI::Range(1, 1 << 16))->type_name("K");
  app.add_flag("--embeddings", o.embeddings, "Also the image's embedding")->excludes(features);
  return run_program(app, argc, argv, [&] { return predict(o); });
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::run(argc, argv); }
