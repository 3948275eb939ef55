#pragma once
// A run's configuration: one typed struct, read from a JSON file by one strict reader. docs/config.md documents every
// key; train/config/config_keys.h lists them, with the values they accept, once for the reader and the writer.

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inference/precision.h"

namespace tandem {

struct ModelConfig {
  enum class Arch { resnet18, resnet34, resnet50, resnet101 };
  enum class BatchNorm { per_tower, joint };

  Arch arch = Arch::resnet50;
  std::optional<int> classes;                ///< Absent: as many as the training data has.
  std::vector<int> embedding = {1024, 256};  ///< Widths of the embedding head's layers; never empty.
  BatchNorm batch_norm = BatchNorm::per_tower;
  bool zero_init_residual = false;     ///< Each residual block begins as its shortcut.
  std::optional<std::string> weights;  ///< A safetensors file to start from. Absent: random weights.

  bool operator==(const ModelConfig&) const = default;
};

/// The architecture's name: "resnet50".
std::string_view to_string(ModelConfig::Arch arch);

/// A labelled image list.
struct SourceConfig {
  std::string list;                 ///< A list file, or a folder with one folder a class.
  std::optional<std::string> root;  ///< What the list's relative paths are relative to. Absent: the list's own folder.

  bool operator==(const SourceConfig&) const = default;
};

struct AugmentConfig {
  /// The share of the image's area that a random crop covers, [smallest, largest]. Absent: resize and centre crop.
  std::optional<std::array<double, 2>> random_resized_crop = std::array{0.35, 1.0};
  bool flip = true;

  bool operator==(const AugmentConfig&) const = default;
};

struct DataConfig {
  SourceConfig train;
  std::optional<SourceConfig> eval;  ///< Absent: the run is not evaluated.
  int image_size = 224;              ///< Pixels, both sides.
  AugmentConfig augment;
  int workers = 2;  ///< Threads that decode and augment.

  bool operator==(const DataConfig&) const = default;
};

struct PairsConfig {
  enum class Sampler { random };

  Sampler sampler = Sampler::random;
  int batch = 32;  ///< Pairs a step; a step trains twice as many images.

  bool operator==(const PairsConfig&) const = default;
};

struct SoftmaxConfig {
  double weight = 0.5;  ///< Of each tower's loss.
  double label_smoothing = 0;

  bool operator==(const SoftmaxConfig&) const = default;
};

struct ContrastiveConfig {
  enum class Form { hadsell, legacy };

  std::optional<double> weight = 0.1;  ///< Absent: "match_softmax", a moving average of the softmax loss.
  double margin = 1;
  Form form = Form::hadsell;

  bool operator==(const ContrastiveConfig&) const = default;
};

struct LossConfig {
  SoftmaxConfig softmax;
  ContrastiveConfig contrastive;

  bool operator==(const LossConfig&) const = default;
};

struct OptimizerConfig {
  enum class Type { sgd, adam, adamw };

  Type type = Type::sgd;
  double lr = 0.05;
  double momentum = 0.9;                       ///< `sgd` only.
  bool nesterov = true;                        ///< `sgd` only.
  std::array<double, 2> betas = {0.9, 0.999};  ///< `adam` and `adamw` only: what the two moments keep in a step.
  double eps = 1e-8;                           ///< `adam` and `adamw` only.
  double weight_decay = 5e-4;                  ///< Not applied to biases and batch norm.

  bool operator==(const OptimizerConfig&) const = default;
};

struct ScheduleConfig {
  enum class Type { cosine, step, constant };

  Type type = Type::cosine;
  double warmup = 0.05;         ///< Share of all steps over which the rate rises linearly to its full value.
  std::vector<int> milestones;  ///< `step` only: after how many epochs the rate is multiplied by gamma; increasing.
  double gamma = 0.1;           ///< `step` only.

  bool operator==(const ScheduleConfig&) const = default;
};

struct TrainConfig {
  int epochs = 30;
  std::optional<int> losses_every;  ///< Steps whose losses are read together. Absent: 1 on the CPU, 10 on a GPU.

  bool operator==(const TrainConfig&) const = default;
};

struct CheckpointConfig {
  int every_epochs = 1;
  std::optional<std::int64_t> every_steps;  ///< Also in the middle of an epoch. Absent: only at ends of epochs.
  int keep = 3;  ///< How many numbered checkpoints stay beside last and best; the oldest go first. 0: none are kept.

  bool operator==(const CheckpointConfig&) const = default;
};

struct CpuConfig {
  std::optional<int> threads;  ///< Threads that compute. Absent: as many as the process may use.
  bool autotune = false;       ///< Each convolution is computed in the way that proves fastest on this machine.

  bool operator==(const CpuConfig&) const = default;
};

struct Config {
  std::uint64_t seed = 1;
  std::string device = "auto";  ///< "auto", "cpu", "cuda" or "cuda:K".
  Precision precision = Precision::fp32;
  bool deterministic = true;           ///< On a GPU: the same seed gives the same bits.
  std::string output = "runs/tandem";  ///< The run's folder.
  ModelConfig model;
  DataConfig data;
  PairsConfig pairs;
  LossConfig loss;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  TrainConfig train;
  CheckpointConfig checkpoint;
  CpuConfig cpu;

  bool operator==(const Config&) const = default;
};

/// Reads a config file, then applies `overrides`, each "path.to.key=value": the value as JSON where it is JSON, else as
/// a string. Relative paths in a config are relative to the current folder. Comments (// and /* */) are allowed.
/// Anything unknown, ill-typed or out of range is an InputError: where (file and JSON pointer, or file:line:column),
/// what it is, what was expected.
Config read_config(const std::string& path, std::span<const std::string> overrides = {});

/// The same, from a JSON text; `source` names it in errors.
Config parse_config(std::string_view text, const std::string& source, std::span<const std::string> overrides = {});

/// Every key with its value, in the documented order. parse_config(to_json(c).dump()) == c.
nlohmann::ordered_json to_json(const Config& config);

}  // namespace tandem
