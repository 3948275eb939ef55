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

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "inference/precision.h"
#include "layers/twin_towers.h"

namespace tandem {

/// How an image becomes the network's input: its shorter side is resized to `resize` pixels, the middle is cut out, and
/// each channel, R, G and B in 0 to 1, becomes (x - mean) / deviation.
struct InputDescription {
  int size = 224;    ///< pixels, height and width of the input
  int resize = 256;  ///< pixels
  std::array<double, 3> mean = InputStatistics().mean;
  std::array<double, 3> deviation = InputStatistics().deviation;

  bool operator==(const InputDescription&) const = default;
};

/// The input that Tandem's evaluation makes: eval_transform() in data/image/transform.h, then normalize_images().
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
  /// The distance that training asks of embeddings of different classes; 0 where it asks for none, or none is known.
  double margin = 0;
  std::int64_t steps = 0;                 ///< of training
  Precision precision = Precision::fp32;  ///< of training
};

/// The network that fits the description.
TwinTowersOptions tower_options(const ModelDescription& model);

nlohmann::ordered_json to_json(const ModelDescription& model);

/// The reverse. InputError, which begins with `source`, for what is not such a description, and for an input that
/// Tandem does not make.
ModelDescription parse_model_description(std::string_view json, const std::string& source);

/// The description of a checkpoint that has none, as earlier versions wrote it, from the values of "tandem.config",
/// "tandem.classes" and "tandem.state". Reads the keys that it needs and no others.
ModelDescription describe_old_checkpoint(std::string_view config, std::string_view classes, std::string_view state,
                                         const std::string& source);

}  // namespace tandem
