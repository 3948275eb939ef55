#pragma once
// A run's configuration: one typed struct, read from a JSON file by one strict reader. docs/config.md documents every
// key. The options of losses, optimizers, schedules, pairs and augmentation are declared beside these parts, with their
// keys; train/config/config_keys.h lists the other keys, once for the reader and the writer.

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/augment/augment_options.h"
#include "data/image/image.h"
#include "data/image/input_geometry.h"
#include "data/loader/pair_stream.h"
#include "inference/precision.h"
#include "layers/losses/loss_options.h"
#include "train/control/figure_options.h"
#include "train/finetune/finetune_options.h"
#include "train/optim/ema_options.h"
#include "train/optim/optimizer_options.h"
#include "train/optim/schedule_options.h"

namespace tandem {

/// How the ResNet differs from torchvision's or timm's of its name: so that other weights fit (docs/weights.md).
struct ResNetConfig {
  enum class StrideOn { conv3x3, conv1x1 };
  enum class Pool { torch, caffe };
  enum class Stem { conv7, deep };
  enum class Shortcut { conv, pooled };

  int width = 64;                          ///< Of the first stage (ResNetSpec in layers/backbones/resnet.h).
  int stem_width = 64;                     ///< Channels of the stem.
  StrideOn stride_on = StrideOn::conv3x3;  ///< Of bottlenecks.
  Pool pool = Pool::torch;                 ///< Caffe's has no padding and rounds up.
  // Absent: as the network of that name has it.
  std::optional<int> groups = {};         ///< Of bottlenecks' 3x3 convolutions.
  std::optional<int> group_width = {};    ///< Channels of such a group where the width is 64.
  std::optional<Stem> stem = {};          ///< One convolution of 7x7, or three of 3x3.
  std::optional<Shortcut> shortcut = {};  ///< How a shortcut halves the image.

  bool operator==(const ResNetConfig&) const = default;
};

struct ModelConfig {
  enum class BatchNorm { per_tower, joint };

  std::string arch = "resnet50";             ///< One of backbone_names(), or "auto": the network of `weights`.
  std::optional<int> classes;                ///< Absent: as many as the training data has.
  std::vector<int> embedding = {1024, 256};  ///< Widths of the embedding head's layers; never empty.
  BatchNorm batch_norm = BatchNorm::per_tower;
  bool zero_init_residual = false;        ///< Each residual block begins as its shortcut.
  std::optional<std::string> weights;     ///< A file to start from (docs/weights.md). Absent: random weights.
  std::vector<std::string> weights_skip;  ///< Patterns of tensors that begin at random all the same.
  ResNetConfig resnet = {};
  std::optional<std::string> weights_key = {};  ///< Which of several sets of weights in the file: "model_ema".
  double dropout = 0;           ///< Share of the features that are dropped before the heads, in training.
  double stochastic_depth = 0;  ///< How often the last residual block's branch is dropped; the first one's never is.
  InputOptions input = {};

  bool operator==(const ModelConfig&) const = default;
};

/// A source of labelled images (data/source/open_source.h).
struct SourceConfig {
  std::string list;                       ///< A list file, a folder with one folder per class, or another source.
  std::optional<std::string> root = {};   ///< What the list's relative paths are relative to. Absent: its own folder.
  std::optional<std::string> split = {};  ///< Of a table: which rows are taken. Absent: all.
  double weight = 1;                      ///< How often each of its images is shown an epoch.

  bool operator==(const SourceConfig&) const = default;
};

struct DataConfig {
  std::vector<SourceConfig> train = {SourceConfig()};  ///< Never empty; several are joined.
  std::optional<SourceConfig> eval;                    ///< Absent: the run is not evaluated.
  int image_size = 224;                                ///< Pixels, both sides.
  AugmentOptions augment;
  int workers = 2;                     ///< Threads that decode and augment.
  int max_pixels = kDefaultMaxPixels;  ///< An image file with more is refused.
  bool fast_decode = true;             ///< JPEG images of training are decoded reduced where they may be.

  bool operator==(const DataConfig&) const = default;
};

struct TrainConfig {
  int epochs = 30;
  std::optional<int> losses_every;      ///< Steps whose losses are read together. Absent: 1 on the CPU, 10 on a GPU.
  std::optional<double> max_time = {};  ///< Minutes that a process may train; then the run is saved and ends.
  bool evaluate_at_max_time = false;    ///< Also where an epoch has not ended by then.
  std::optional<EarlyStoppingOptions> early_stopping = {};  ///< Absent: the run goes on to its last epoch.

  bool operator==(const TrainConfig&) const = default;
};

struct CheckpointConfig {
  int every_epochs = 1;
  std::optional<std::int64_t> every_steps;  ///< Also in the middle of an epoch. Absent: only at ends of epochs.
  int keep = 3;  ///< How many numbered checkpoints stay beside last and best; the oldest go first. 0: none are kept.
  std::optional<double> every_minutes = {};  ///< Also in the middle of an epoch.
  FigureOptions best = {};                   ///< By what the best epoch is chosen.

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
  PairOptions pairs;
  LossOptions loss;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  std::optional<EmaOptions> ema;  ///< Absent: the weights are not averaged.
  FinetuneOptions finetune;
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
