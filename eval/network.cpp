#include "eval/network.h"

#include <CLI/CLI.hpp>

#include "core/base/error.h"
#include "inference/out_of_memory.h"
#include "inference/predict.h"

namespace tandem {

void NetworkOptions::add_to(CLI::App& app) {
  app.add_option("CHECKPOINT", checkpoint, "A checkpoint that tandem-train wrote")->required();
  app.add_option("--device", device, "auto, cpu or cuda[:K]")->capture_default_str();
  app.add_option("--precision", precision, "fp32, tf32, bf16, fp16, fp64 or auto (default: as in training)");
  app.add_option("--batch", batch, "Images at a time")->capture_default_str()->check(CLI::Range(1, 1 << 16));
  app.add_option("--threads", threads, "Threads that compute on the CPU (default: as many as the process may use)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--workers", workers, "Threads that decode")->capture_default_str()->check(CLI::Range(0, 256));
}

bool has_trained_embedding(const Checkpoint& checkpoint) {
  return checkpoint.info().config.loss.contrastive.weight != 0.0;
}

Network::Network(const Checkpoint& checkpoint, const NetworkOptions& options)
    : engine(open_engine(
          options.device,
          options.precision.empty() ? checkpoint.info().config.precision : parse_precision(options.precision),
          {options.threads > 0 ? std::optional(options.threads) : std::nullopt})),
      model(*engine.backend, param_dtype(engine.compute), checkpoint.model_options()) {
  checkpoint.load_model(*engine.backend, model);
}

std::string Network::description() const {
  return fmt::format("{} in {} on {}", model.options().arch, engine.precision, engine.backend->description());
}

void Network::run(int batch, int image_size, const std::function<void()>& body) {
  try {
    body();
  } catch (const OutOfMemory& e) {
    fail_with_a_batch_that_fits(e, "--batch ", batch, [&](int smaller) {
      predict_blank(*engine.backend, engine.compute, model, smaller, image_size);
    });
  }
}

}  // namespace tandem
