// tandem-eval: how good a trained network is on a list of images.

#include <CLI/CLI.hpp>
#include <iostream>

#include "core/error.h"
#include "core/program.h"
#include "data/list_checks.h"
#include "eval/report.h"
#include "train/atomic_file.h"
#include "train/checkpoint.h"
#include "train/engine.h"
#include "train/out_of_memory.h"
#include "train/predict.h"

namespace tandem {
namespace {

struct Options {
  std::string checkpoint, data, root, out, device = "auto", precision;
  int batch = 64, workers = 2;
  bool trunk_features = false;
};

/// What must be known of figures that are not the embedding's.
std::string note_on_features(bool untrained) {
  return std::string(untrained ? "the embedding head was not trained (contrastive weight 0): " : "") +
         "these figures are of the trunk's features, pooled";
}

/// predict(), which, when out of memory, names a batch that fits.
Predictions predict_all(const Engine& engine, TwinTowers& model, const ImageList& list, const PredictOptions& options) {
  try {
    return predict(*engine.backend, engine.compute, model, list, options);
  } catch (const OutOfMemory& e) {
    fail_with_a_batch_that_fits(e, "--batch ", options.batch, [&](int batch) {
      predict_blank(*engine.backend, engine.compute, model, batch, options.image_size);
    });
  }
}

int evaluate(const Options& o) {
  const Checkpoint checkpoint(o.checkpoint);
  const CheckpointInfo& info = checkpoint.info();
  const ImageList list = ImageList::load_known(o.data, o.root, info.classes);
  for (const std::string& remark : remarks(list)) std::cerr << remark << '\n';
  const Engine engine =
      open_engine(o.device, o.precision.empty() ? info.config.precision : parse_precision(o.precision));
  TwinTowers model(*engine.backend, real_type(engine.compute), checkpoint.model_options());
  checkpoint.load_model(*engine.backend, model);
  // After what is sooner checked, so that a refusal leaves nothing behind, but before the long part.
  require_writable_folder(o.out);
  // The checkpoint of a softmax run has an embedding head, as it was drawn at random.
  const bool untrained = info.config.loss.contrastive.weight == 0.0;
  const bool features = untrained || o.trunk_features;
  const Predictions p = predict_all(engine, model, list, {info.config.data.image_size, o.batch, o.workers, features});

  const Evaluation evaluation{
      {{"checkpoint", o.checkpoint}, {"data", o.data}, {"step", info.state.step}, {"precision", engine.precision}},
      info.classes,
      classification_metrics(p.logits, p.labels, p.classes),
      embedding_metrics(p.embeddings, p.labels, p.dimensions),
      features ? note_on_features(untrained) : ""};
  write_report(evaluation, o.out);
  std::cout << report_text(evaluation) << "\nwritten: " << o.out << "/metrics.json, " << o.out << "/report.html\n";
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app("Evaluates a checkpoint on labelled images.", "tandem-eval");
  Options o;
  app.add_option("CHECKPOINT", o.checkpoint, "A checkpoint that tandem-train wrote")->required();
  app.add_option("--data", o.data, "List file, or folder with one subfolder a class")->required();
  app.add_option("--root", o.root, "Where the list's paths start (default: the list's folder)");
  app.add_option("--out", o.out, "Folder for metrics.json and report.html")->required();
  app.add_flag("--trunk-features", o.trunk_features,
               "Measures distances of the trunk's pooled features, not embeddings");
  app.add_option("--device", o.device, "auto, cpu or cuda[:K]")->capture_default_str();
  app.add_option("--precision", o.precision, "fp32, tf32, bf16, fp16, fp64 or auto (default: as in training)");
  app.add_option("--batch", o.batch, "Images at a time")->capture_default_str()->check(CLI::Range(1, 1 << 16));
  app.add_option("--workers", o.workers, "Threads that decode")->capture_default_str()->check(CLI::Range(0, 256));
  return run_program(app, argc, argv, [&] { return evaluate(o); });
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::run(argc, argv); }
