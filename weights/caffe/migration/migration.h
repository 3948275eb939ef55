#pragma once
// A network and its solver of Caffe's as a config of Tandem's.
//
// A siamese network has two towers that share their parameters: their images come from two data layers, or from one
// whose tops a Slice layer parts. Towers end in InnerProduct layers; SoftmaxWithLoss layers take the classifiers', a
// ContrastiveLoss layer the embeddings. What the config says in another way than Caffe, and what it cannot say, is
// told in findings, each with its line: nothing is dropped in silence.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "weights/resnet_weights.h"

namespace tandem {

struct CaffeFinding {
  enum class Kind {
    todo,     ///< the user must fill it in
    differs,  ///< taken over, but it does not mean quite the same
    missing,  ///< nothing in a config corresponds to it
  };
  Kind kind = Kind::missing;
  std::string file;  ///< its name
  int line = 0;      ///< from 1; 0 if it has none
  std::string what;
};

/// "train.prototxt:12: no counterpart: ...".
std::string describe(const CaffeFinding& finding);

struct CaffeSources {
  std::filesystem::path solver, net;
  std::string weights;      ///< for model.weights; empty: as the solver says
  std::int64_t images = 0;  ///< training images, from which the number of epochs is computed; 0: unknown
};

struct CaffeMigration {
  nlohmann::ordered_json config;  ///< without model.arch and model.resnet
  /// The backbone, for whoever knows what a config calls it; nothing where none was found, which a finding tells.
  std::optional<ResNetShape> backbone;
  std::vector<CaffeFinding> findings;  ///< by file and line
};

/// What a finding says where the backbone of the network at `net` cannot be had.
std::string backbone_is_missing(const std::filesystem::path& net, const InputError& why);

/// InputError, naming file and line, for files that cannot be read, are no solver and no network, or have numbers that
/// are not finite.
CaffeMigration migrate_caffe(const CaffeSources& sources);

}  // namespace tandem
