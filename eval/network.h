#pragma once
// A trained network on a device, as tandem-eval and tandem-predict run it.

#include <functional>
#include <string>

#include "inference/engine.h"
#include "layers/twin_towers.h"
#include "train/checkpoint/checkpoint.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace tandem {

struct NetworkOptions {
  std::string checkpoint;
  std::string device = "auto";
  std::string precision;  ///< empty: as in training
  int batch = 64;         ///< images at a time
  int workers = 2;        ///< threads that decode
  int threads = 0;        ///< threads that compute on the CPU; 0: as many as the process may use

  /// Adds CHECKPOINT and the options above to a command line, which writes to this object when it is parsed.
  void add_to(CLI::App& app);
};

/// Without a contrastive loss the embedding head stays as it was drawn at random.
bool has_trained_embedding(const Checkpoint& checkpoint);

struct Network {
  /// InputError for a device or a precision that cannot be used, or tensors that do not belong to the network.
  Network(const Checkpoint& checkpoint, const NetworkOptions& options);

  /// "resnet50 in f32 on cpu, 2 threads (one a processor), ..".
  std::string description() const;

  /// body(), which runs batches of `batch` images. When it is out of memory: Error, which names a --batch that fits.
  void run(int batch, int image_size, const std::function<void()>& body);

  Engine engine;
  TwinTowers model;
};

}  // namespace tandem
