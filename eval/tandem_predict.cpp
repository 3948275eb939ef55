// tandem-predict: what a trained network takes new images for.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <optional>

#include "core/base/error.h"
#include "core/base/program.h"
#include "core/base/timing.h"
#include "data/image/image_files.h"
#include "data/list/files.h"
#include "data/loader/loader.h"
#include "eval/network.h"
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
  bool embeddings = false, backbone_features = false;
};

/// InputError if `path` is one of the files that are read, or no place for a file.
void check_output(const std::string& path, const Options& o) {
  const std::filesystem::file_type type = file_type_of(path);
  if (type != std::filesystem::file_type::not_found && type != std::filesystem::file_type::regular)
    fail_input("--out: {}: not a file: expected one to write", path);
  // A pattern of the shell may have put an image there.
  bool read = is_image_name(path);
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
      fail("cannot write to standard output");
  }
  void commit() {
    if (file_) file_->commit();
  }

 private:
  std::optional<AtomicFile> file_;
};

/// The images that cannot be used.
struct Unusable {
  std::size_t images = 0;
  std::string first;  // why

  void add(const std::string& error) {
    if (images++ == 0) first = error;
  }
};

/// Labels every image; a line each, in order.
class Labelling {
 public:
  Labelling(const Options& options, const CheckpointInfo& info, const std::vector<std::string>& paths, Network& network)
      : options_(options),
        classes_(info.classes),
        paths_(paths),
        loader_(paths,
                {options.network.batch, info.config.data.image_size, static_cast<unsigned>(options.network.workers)}),
        predictor_(*network.engine.backend, network.engine.compute, network.model, options.backbone_features) {}

  Unusable run(Output& output) {
    Unusable unusable;
    double last_told = seconds();
    while (std::optional<Batch> batch = loader_.next()) {
      Predictions predictions;
      predictor_.predict(*batch, predictions);
      loader_.recycle(std::move(*batch));
      output.write(lines(predictions, unusable));
      if (!output.is_file() || seconds() - last_told < kSecondsBetweenReports) continue;
      std::cerr << fmt::format("{} of {} images\n", next_, paths_.size());
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
    const std::string vector = options_.embeddings ? "embedding" : options_.backbone_features ? "features" : "";
    std::string text;
    for (std::size_t i = 0; i < p.labels.size(); ++i, ++next_) {
      const std::string& path = paths_[next_];
      std::string error = loader_.error(next_);
      if (error.empty()) {
        try {
          text += prediction_line(path, softmax(row(p.logits, i, p.classes)), classes_, options_.top,
                                  {vector, row(p.embeddings, i, p.dimensions)});
        } catch (const Error& e) {  // One image with which a narrow type overflows must not cost the others.
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
  const std::vector<std::string>& classes_;
  const std::vector<std::string>& paths_;
  FileLoader loader_;
  Predictor predictor_;
  std::size_t next_ = 0;  // the image of the next line
};

int predict(const Options& o) {
  const Checkpoint checkpoint(o.network.checkpoint);
  const CheckpointInfo& info = checkpoint.info();
  if (o.embeddings && !has_trained_embedding(checkpoint))
    fail_input("--embeddings: {}: its embedding head was not trained (contrastive weight 0): expected --trunk-features",
               o.network.checkpoint);
  const ImageFiles files = find_image_files(o.images);
  if (files.other_types > 0)
    std::cerr << fmt::format("not read: {} file{} of other types\n", files.other_types,
                             files.other_types == 1 ? "" : "s");
  Network network(checkpoint, o.network);
  if (!o.out.empty()) check_output(o.out, o);
  Output output(o.out);

  Unusable unusable;
  network.run(o.network.batch, info.config.data.image_size,
              [&] { unusable = Labelling(o, info, files.paths, network).run(output); });
  output.commit();
  if (!o.out.empty()) {
    if (unusable.images == 0) std::cerr << "computed by " << network.description() << '\n';
    std::cout << "written: " << o.out << ", " << files.paths.size() << " images\n";
  }
  if (unusable.images > 0)
    fail_input("{} of {} images cannot be used; the first: {}", unusable.images, files.paths.size(), unusable.first);
  return 0;
}

int run(int argc, char** argv) {
  Options o;
  CLI::App app("Labels images with a trained network: prints a line of JSON for each.", "tandem-predict");
  o.network.add_to(app);
  app.add_option("IMAGES", o.images, "Image files, and folders with images in them and in the folders below")
      ->required();
  app.add_option("--out", o.out, "File for the lines, JSON Lines (default: standard output)");
  app.add_option("--top", o.top, "Also the K most probable labels")->check(CLI::Range(1, 1 << 16))->type_name("K");
  CLI::Option* embeddings = app.add_flag("--embeddings", o.embeddings, "Also the image's embedding");
  app.add_flag("--trunk-features", o.backbone_features, "Also the backbone's pooled features")->excludes(embeddings);
  return run_program(app, argc, argv, [&] { return predict(o); });
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::run(argc, argv); }
