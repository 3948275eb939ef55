#pragma once
// What a model is, apart from how it was trained: enough to run it. A checkpoint holds it as JSON, in the metadata key
// "tandem.model":
//
//   {"format": 1,
//    "backbone": {"name": "resnet50"},
//    "embedding": [1024, 256],
//    "classes": ["bag", "ball"],
//    "input": {"channels": "RGB", "size": 224, "resize": 256, "interpolation": "bilinear, antialiased",
//              "crop": "center", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
//    "training": {"heads": ["classifier", "embedding"], "steps": 5, "precision": "fp32", "margin": 1.0}}
//
// "training" has "distance": "cosine" where embeddings are compared by their directions.

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "data/image/input_geometry.h"
#include "inference/precision.h"
#include "layers/twin_towers.h"

namespace tandem {

/// How an image becomes the network's input: it is resized and its middle cut out as the geometry says, and each
/// channel of a pixel, from 0 to 255, becomes (pixel * scale - mean) / deviation.
///
/// In the JSON, "resize" is the shorter side's pixels, or [height, width] for both; "interpolation" is "bilinear",
/// "bicubic" or "lanczos", with ", antialiased" behind it or not. "letterbox", after "std", is the colour around the
/// image, red, green and blue, where "resize" is the longer side's pixels; a "scale" other than 1 / 255 stands last.
struct InputDescription : InputGeometry {
  /// Of the input that the options say, as a square of `side` pixels.
  explicit InputDescription(const InputOptions& options = {}, int side = 224);

  double scale;
  std::array<double, 3> mean, deviation;  ///< in the order of the channels

  /// The same in units of pixels from 0 to 1.
  InputStatistics statistics() const;
  bool operator==(const InputDescription&) const = default;
};

/// The usual input: RGB with ImageNet's statistics.
InputDescription evaluation_input(int size);

struct ModelDescription {
  /// The JSON holds the name and, where they differ from the name's ResNet, "depths", "width", "stem_width",
  /// "stride_on" ("1x1"), "pool" ("caffe"), "groups", "group_width", "stem" and "shortcut", as the config has them.
  /// What the network expects of its input is `input`.
  BackboneSpec backbone;
  std::vector<int> embedding;        ///< widths of the embedding head's layers
  std::vector<std::string> classes;  ///< names
  InputDescription input;
  bool classifier_trained = true;  ///< a head whose loss had weight 0 is as it was drawn at random
  bool embedding_trained = true;
  bool directions = false;  ///< embeddings are compared by cosine: training leaves their lengths alone
  /// The distance that training asks of embeddings of different classes; 0 where it asks for none, or none is known.
  double margin = 0;
  std::int64_t steps = 0;                 ///< of training
  Precision precision = Precision::fp32;  ///< of training
};

/// The network that fits the description.
TwinTowersOptions tower_options(const ModelDescription& model);

nlohmann::ordered_json to_json(const ModelDescription& model);
/// The "backbone" of the above.
nlohmann::ordered_json to_json(const BackboneSpec& backbone);

/// The reverse. InputError, which begins with `source`, for what is not such a description, and for an input that
/// Tandem does not make.
ModelDescription parse_model_description(std::string_view json, const std::string& source);

/// The description of a checkpoint that has none, as earlier versions wrote it, from the values of "tandem.config",
/// "tandem.classes" and "tandem.state". Reads the keys that it needs and no others.
ModelDescription describe_old_checkpoint(std::string_view config, std::string_view classes, std::string_view state,
                                         const std::string& source);

}  // namespace tandem
