#include "inference/network.h"

#include "inference/out_of_memory.h"
#include "inference/predict.h"

namespace tandem {

Network::Network(const ModelFile& file, const std::string& device, std::optional<Precision> precision,
                 const EngineOptions& options)
    : engine(open_engine(device, precision.value_or(file.description().precision), options)),
      model(*engine.backend, param_dtype(engine.compute), tower_options(file.description())) {
  file.load(*engine.backend, model);
}

std::string Network::description() const {
  return fmt::format("{} in {} on {}", model.options().backbone.name, engine.precision, engine.backend->description());
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
