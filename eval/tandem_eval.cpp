// tandem-eval: how good a trained network is on a list of images.

#include <CLI/CLI.hpp>
#include <iostream>

#include "core/base/error.h"
#include "core/base/program.h"
#include "data/list/list_checks.h"
#include "eval/network.h"
#include "eval/report.h"
#include "inference/predict.h"
#include "io/atomic_file.h"
#include "train/checkpoint/checkpoint.h"

namespace tandem {
namespace {

struct Options {
  NetworkOptions network;
  std::string data, root, out;
  bool backbone_features = false;
};

/// What must be known of figures that are not the embedding's.
std::string note_on_features(bool untrained) {
  return std::string(untrained ? "the embedding head was not trained (contrastive weight 0): " : "") +
         "these figures are of the backbone's features, pooled";
}

int evaluate(const Options& o) {
  const Checkpoint checkpoint(o.network.checkpoint);
  const CheckpointInfo& info = checkpoint.info();
  const ImageList list = ImageList::load_known(o.data, o.root, info.classes);
  for (const std::string& remark : remarks(list)) std::cerr << remark << '\n';
  Network network(checkpoint, o.network);
  // After what is sooner checked, so that a refusal leaves nothing behind, but before the long part.
  require_writable_folder(o.out);
  const bool untrained = !has_trained_embedding(checkpoint);
  const bool features = untrained || o.backbone_features;
  const PredictOptions options{info.config.data.image_size, o.network.batch, o.network.workers, features};
  Predictions p;
  network.run(options.batch, options.image_size,
              [&] { p = predict(*network.engine.backend, network.engine.compute, network.model, list, options); });

  const Evaluation evaluation{{{"checkpoint", o.network.checkpoint},
                               {"data", o.data},
                               {"step", info.state.step},
                               {"precision", network.engine.precision}},
                              info.classes,
                              classification_metrics(p.logits, p.labels, p.classes),
                              embedding_metrics(p.embeddings, p.labels, p.dimensions),
                              features ? note_on_features(untrained) : ""};
  write_report(evaluation, o.out);
  std::cout << report_text(evaluation) << "\ncomputed by " << network.description() << "\nwritten: " << o.out
            << "/metrics.json, " << o.out << "/report.html\n";
  return 0;
}

int run(int argc, char** argv) {
  Options o;
  CLI::App app("Evaluates a checkpoint on labelled images.", "tandem-eval");
  o.network.add_to(app);
  app.add_option("--data", o.data, "List file, or folder with one subfolder a class")->required();
  app.add_option("--root", o.root, "Where the list's paths start (default: the list's folder)");
  app.add_option("--out", o.out, "Folder for metrics.json and report.html")->required();
  app.add_flag("--trunk-features", o.backbone_features,
               "Measures distances of the backbone's pooled features, not embeddings");
  return run_program(app, argc, argv, [&] { return evaluate(o); });
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::run(argc, argv); }
