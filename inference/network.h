#pragma once
// A trained network on a device, ready to label images.

#include <functional>
#include <optional>
#include <string>

#include "inference/engine.h"
#include "inference/model/model_file.h"

namespace tandem {

struct Network {
  /// Device, precision and options are open_engine()'s; without a precision that of the training. InputError for a
  /// device or a precision that cannot be used, or tensors that do not belong to the network.
  Network(const ModelFile& file, const std::string& device, std::optional<Precision> precision,
          const EngineOptions& options = {});

  /// "resnet50 in fp32 on cpu, 2 threads (one per processor), ..".
  std::string description() const;

  /// body(), which runs batches of `batch` images. When it is out of memory: Error, which names a --batch that fits.
  void run(int batch, int image_size, const std::function<void()>& body);

  Engine engine;
  TwinTowers model;
};

}  // namespace tandem
