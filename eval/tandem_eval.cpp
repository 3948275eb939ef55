// tandem-eval: how good a trained network is on a list of images.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "core/base/error.h"
#include "core/base/program.h"
#include "data/list/copies.h"
#include "data/list/list_checks.h"
#include "data/source/open_source.h"
#include "eval/network_options.h"
#include "eval/report.h"
#include "inference/distances.h"
#include "inference/predict.h"
#include "io/atomic_file.h"

namespace tandem {
namespace {

struct Options {
  NetworkOptions network;
  std::string data, root, out;
  std::string distance = "auto";
  std::optional<std::string> split;
};

/// What must be known of figures that are not the embedding's.
std::string note_on_features(bool untrained) {
  return std::string(untrained ? "the embedding head was not trained (contrastive weight 0): " : "") +
         "these figures are of the backbone's features, pooled";
}

/// What must be known of the classifier's figures.
std::string note_on_classifier(const ModelDescription& model) {
  return model.classifier_trained ? "" : "the classifier was not trained (softmax weight 0): it guesses at random";
}

/// What must be known of the figures of distances.
std::string note_on_distances(const EmbeddingMetrics& metrics, bool features, const ModelDescription& model) {
  const EmbeddingSpread& spread = metrics.spread;
  const double margin = features ? 0 : model.margin;
  std::string note = features ? note_on_features(!model.embedding_trained) : "";
  if (!spread.is_collapsed(margin)) return note;
  return (note.empty() ? "" : note + "; ") +
         fmt::format("they have collapsed to a point (spread {:.2g}, norm {:.2g}{})", spread.spread, spread.norm,
                     margin > 0 ? fmt::format(", margin {:.2g}", margin) : "");
}

int evaluate(const Options& o) {
  const ModelFile file = o.network.read();
  const ModelDescription& model = file.description();
  const std::unique_ptr<const ImageSource> source = open_known_source({o.data, o.root, o.split}, model.classes);
  const ImageSource& list = *source;
  for (const std::string& remark : remarks(list)) std::cerr << remark << '\n';
  for (const std::string& remark : copy_remarks(list)) std::cerr << remark << '\n';
  Network network = o.network.open(file, std::cerr);
  // After the quick checks, so that a refusal leaves nothing behind, and before the long part.
  require_writable_folder(o.out);
  const bool features = !model.embedding_trained || o.network.backbone_features;
  const PredictOptions options{model.input, o.network.batch, o.network.workers, features, o.network.max_pixels};
  Predictions p;
  network.run(options.batch, model.input.size,
              [&] { p = predict(*network.engine.backend, network.engine.compute, network.model, list, options); });

  const bool cosine = o.distance == "auto" ? features || model.directions : o.distance == "cosine";
  if (cosine) p.embeddings = unit_rows(p.embeddings, static_cast<std::size_t>(p.dimensions));
  const EmbeddingMetrics distances = embedding_metrics(p.embeddings, p.labels, p.dimensions);
  nlohmann::ordered_json about{{"checkpoint", o.network.checkpoint},
                               {"data", o.data},
                               {"naming", list.naming()},
                               {"step", model.steps},
                               {"precision", network.engine.precision},
                               {"distance", cosine ? "cosine" : "L2"}};
  if (file.has_average()) about["weights"] = enum_name(file.weights());
  const Evaluation evaluation{about,
                              model.classes,
                              classification_metrics(p.logits, p.labels, p.classes),
                              distances,
                              note_on_classifier(model),
                              note_on_distances(distances, features, model)};
  write_report(evaluation, o.out);
  std::cout << list.naming() << '\n'
            << report_text(evaluation) << "\ncomputed by " << network.description() << "\nwritten: " << o.out
            << "/metrics.json, " << o.out << "/report.html\n";
  return 0;
}

int run(int argc, char** argv) {
  Options o;
  CLI::App app("Evaluates a checkpoint on labelled images.", "tandem-eval");
  o.network.add_to(app, "Measures distances of the backbone's pooled features, not embeddings");
  app.add_option("--data", o.data,
                 "List, folder with one subfolder a class, table, tar shards, LMDB, IDX or CIFAR file")
      ->required();
  app.add_option("--root", o.root, "Where the list's paths start (default: the list's folder)");
  app.add_option(
         "--distance", o.distance,
         "L2, cosine (of vectors divided by their lengths), or auto: cosine for the backbone's features, and for "
         "embeddings that were trained by it")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "L2", "cosine"}));
  app.add_option("--split", o.split, "The rows of a table whose column split is this");
  app.add_option("--out", o.out, "Folder for metrics.json and report.html")->required();
  return run_program(app, argc, argv, [&] { return evaluate(o); });
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::run(argc, argv); }
