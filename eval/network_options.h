#pragma once
// The command line of the programs that run a trained network.

#include <ostream>
#include <string>

#include "data/image/image.h"
#include "inference/network.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
class Option;
}  // namespace CLI

namespace tandem {

struct NetworkOptions {
  std::string checkpoint;
  std::string device = "auto";
  std::string precision;         ///< empty: as in training
  std::string weights = "auto";  ///< "raw", "ema", or "auto": the averaged ones where there are any
  int batch = 64;                ///< images at a time
  int workers = 2;               ///< threads that decode
  int threads = 0;               ///< threads that compute on the CPU; 0: as many as the process may use
  bool backbone_features = false;
  int max_pixels = kDefaultMaxPixels;  ///< an image file with more is refused

  /// Adds CHECKPOINT and the options above to a command line, which writes to this object when it is parsed. Returns
  /// the option for the backbone's features, whose help is `features`.
  CLI::Option* add_to(CLI::App& app, const std::string& features);

  /// The checkpoint, read for the weights that were asked for.
  ModelFile read() const;
  /// The network on the device, in the precision; says on `out` what must be known of it.
  Network open(const ModelFile& file, std::ostream& out) const;
};

}  // namespace tandem
