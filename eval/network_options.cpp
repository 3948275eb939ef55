#include "eval/network_options.h"

#include <CLI/CLI.hpp>

namespace tandem {

CLI::Option* NetworkOptions::add_to(CLI::App& app, const std::string& features) {
  app.add_option("CHECKPOINT", checkpoint, "A checkpoint that tandem-train wrote")->required();
  app.add_option("--device", device, "auto, cpu or cuda[:K]")->capture_default_str();
  app.add_option("--precision", precision, "fp32, tf32, bf16, fp16, fp64 or auto (default: as in training)");
  app.add_option("--weights", weights, "raw, ema (averaged over the steps), or auto: ema if the checkpoint has them")
      ->capture_default_str();
  app.add_option("--batch", batch, "Images at a time")->capture_default_str()->check(CLI::Range(1, 1 << 16));
  app.add_option("--threads", threads, "Threads that compute on the CPU (default: as many as the process may use)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--workers", workers, "Threads that decode")->capture_default_str()->check(CLI::Range(0, 256));
  app.add_option("--max-pixels", max_pixels, "Refuse image files with more pixels")
      ->capture_default_str()
      ->check(CLI::Range(4, 1 << 30));
  return app.add_flag("--backbone-features,--trunk-features", backbone_features, features);
}

ModelFile NetworkOptions::read() const { return ModelFile(checkpoint, parse_weight_set(weights)); }

Network NetworkOptions::open(const ModelFile& file, std::ostream& out) const {
  if (!file.description().classifier_trained)
    out << "warning: the classifier was not trained (softmax weight 0): labels are no better than chance\n";
  if (file.weights() == WeightSet::ema)
    out << "with the averaged weights; --weights raw takes those of the last step\n";
  return {file,
          device,
          precision.empty() ? std::nullopt : std::optional(parse_precision(precision)),
          {.threads = threads > 0 ? std::optional(threads) : std::nullopt}};
}

}  // namespace tandem
