#include "train/config/config.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/tensor/device.h"
#include "layers/backbones/factory.h"
#include "train/config/architecture.h"
#include "train/config/config_keys.h"
#include "train/config/config_reader.h"
#include "train/config/config_text.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

// --- Writing -------------------------------------------------------------------------------------------------------

class ObjectWriter {
 public:
  template <class T>
  void operator()(const char* key, const T& value, const Range& = {}) {
    object_[key] = json_of(value);
  }
  void number_or(const char* word, const char* key, const std::optional<double>& value, const Range&) {
    if (value) {
      object_[key] = *value;
    } else {
      object_[key] = word;
    }
  }
  void duration(const char* key, const std::optional<double>& minutes) { (*this)(key, minutes); }
  template <class T>
  void one_or_more(const char* key, const std::vector<T>& values) {
    object_[key] = values.size() == 1 ? json_of(values.front()) : json_of(values);
  }

  template <class T>
  static nlohmann::ordered_json json_of(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return enum_name(value);
    } else if constexpr (IsOptional<T>::value) {
      return value ? json_of(*value) : nlohmann::ordered_json(nullptr);
    } else if constexpr (IsVector<T>::value) {
      auto list = nlohmann::ordered_json::array();
      for (const auto& element : value) list.push_back(json_of(element));
      return list;
    } else if constexpr (std::constructible_from<nlohmann::ordered_json, T>) {
      return value;
    } else {
      ObjectWriter keys;
      visit_keys(keys, value);
      return keys.object_;
    }
  }

 private:
  nlohmann::ordered_json object_ = nlohmann::ordered_json::object();
};

// --- Reading -------------------------------------------------------------------------------------------------------

/// Sets the value at a path of keys, making the objects on the way.
ConfigSource::Override apply_override(Json& root, const std::string& text) {
  // A path that is not UTF-8 could not be written to the resolved config.
  if (!is_utf8(text)) fail_input("--set {}: not UTF-8", text);
  const std::size_t equals = text.find('=');
  const std::string path = text.substr(0, equals);
  if (equals == std::string::npos || path.empty() || path.front() == '.' || path.back() == '.' ||
      path.find("..") != std::string::npos)
    fail_input("--set {}: expected path.to.key=value", text);

  Json* value = &root;
  std::string pointer;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string key = path.substr(begin, end - begin);
    if (!value->is_object() && !value->is_null())
      fail_input("--set {}: {} is not an object, so it has no key \"{}\"", text, pointer, key);
    value = &(*value)[key];
    pointer = child_pointer(pointer, key);
    begin = end + 1;
  }
  const std::string given = text.substr(equals + 1);
  const Json parsed = Json::parse(given, refuse_doubtful("--set " + text), /*allow_exceptions=*/false);
  *value = parsed.is_discarded() ? Json(given) : parsed;
  return {text, pointer};
}

// --- What one key alone does not say -------------------------------------------------------------------------------

void check_model(const ModelConfig& model, const ConfigSource& from) {
  const auto names = backbone_names();
  if (model.arch == kAutoArch) {
    if (!model.weights)
      from.fail_value("/model/arch", model.arch,
                      "a name, since /model/weights names no file: one of " + known_backbones());
    if (model.resnet != ResNetConfig())
      from.fail_at("/model/resnet", "given, while /model/arch is \"auto\", expected it to be left out");
  } else if (std::find(names.begin(), names.end(), model.arch) == names.end()) {
    from.fail_value("/model/arch", model.arch, "\"auto\", or one of " + known_backbones());
  }
  if (model.weights_key && !model.weights)
    from.fail_value("/model/weights_key", *model.weights_key, "null, since /model/weights names no file");
  if (model.embedding.empty()) from.fail_value("/model/embedding", Json::array(), "at least one layer's width");
}

void check_source(const SourceConfig& source, const std::string& pointer, const ConfigSource& from) {
  if (source.list.empty())
    from.fail_at(pointer + "/list",
                 "missing, expected the path of an image list, or of a folder with one folder per class");
}

/// Calls check_options() of every group of options that has one, and reports the first problem.
class OptionChecker {
 public:
  OptionChecker(std::string pointer, const ConfigSource& from) : pointer_(std::move(pointer)), from_(from) {}

  template <class T>
  void operator()(const char* key, const T& value, const Range& = {}) {
    if constexpr (IsOptional<T>::value) {
      if (value) (*this)(key, *value);
    } else if constexpr (requires { visit_keys(*this, value); }) {
      OptionChecker below(child_pointer(pointer_, key), from_);
      below.check(value);
    }
  }
  void number_or(const char*, const char*, const std::optional<double>&, const Range&) {}
  void duration(const char*, const std::optional<double>&) {}
  template <class T>
  void one_or_more(const char*, const std::vector<T>&) {}

  template <class Options>
  void check(const Options& options) {
    if constexpr (requires(OptionProblems & problems) { check_options(options, problems); }) {
      OptionProblems problems;
      check_options(options, problems);
      if (!problems.empty()) report(problems.front(), options);
    }
    visit_keys(*this, options);
  }

 private:
  template <class Options>
  void report(const OptionProblem& problem, const Options& options) const {
    if (problem.key.empty()) from_.fail_at(pointer_, problem.expected);
    const Json::json_pointer key(problem.key);
    const auto value_in = [&](const Options& o) { return Json(ObjectWriter::json_of(o)).at(key); };
    const std::string expected = problem.default_only ? value_in(Options()).dump() : "";
    from_.fail_value(pointer_ + problem.key, value_in(options), expected + problem.expected);
  }

  std::string pointer_;
  const ConfigSource& from_;
};

/// A rate that never falls, or rises where it should fall. Milestones after the last epoch would never be reached.
void check_schedule(const ScheduleOptions& schedule, double lr, int epochs, const ConfigSource& from) {
  const auto& milestones = schedule.milestones;
  if (schedule.unit == ScheduleOptions::Unit::epochs) {
    const std::string below = fmt::format("below /train/epochs, which is {}", epochs);
    if (!milestones.empty() && milestones.back() >= epochs)
      from.fail_value("/schedule/milestones", milestones, "epochs " + below);
    if (schedule.period && *schedule.period >= epochs)
      from.fail_value("/schedule/period", *schedule.period, "a number of epochs " + below);
  }
  if (schedule.min_lr > lr)
    from.fail_value("/schedule/min_lr", schedule.min_lr, fmt::format("at most /optimizer/lr, which is {}", lr));
}

/// What trains after the last epoch would never train.
void check_unfreezing(const FinetuneOptions& finetune, int epochs, const ConfigSource& from) {
  for (std::size_t i = 0; i < finetune.unfreeze.size(); ++i)
    if (const int after = finetune.unfreeze[i].after_epochs; after >= epochs)
      from.fail_value(fmt::format("/finetune/unfreeze/{}/after_epochs", i), after,
                      fmt::format("a number below /train/epochs, which is {}", epochs));
}

/// The statistics of the last stage's batch norms, whose images are the smallest, must be of more than one value: its
/// variance would be 0, and running averages of nothing else are no use to an evaluation.
void check_batch_norm(const Config& config, const ConfigSource& from) {
  constexpr int kStride = 32;  // Pixels of an image for one of the last stage's, which rounds up.
  const bool alone = config.model.batch_norm == ModelConfig::BatchNorm::per_tower && config.pairs.batch == 1;
  if (alone && config.data.image_size <= kStride && !config.finetune.freeze_statistics)
    from.fail_at("/pairs/batch",
                 fmt::format("1 pair of {} pixels leaves batch norm one value a channel, expected at least 2",
                             config.data.image_size));
}

/// An image that is mixed of two has no label that another one could be the same as.
void check_mixing(const Config& config, const ConfigSource& from) {
  const AugmentOptions& augment = config.data.augment;
  if (augment.mixes() && compares_images(config.loss))
    from.fail_at(
        augment.mixup ? "/data/augment/mixup" : "/data/augment/cutmix",
        "mixed images have two labels, so that no loss of pairs can be trained: expected null, or a weight of 0 "
        "for every loss but /loss/softmax");
}

void check(const Config& config, const ConfigSource& from) {
  if (config.device != "auto" && !Device::parse(config.device))
    from.fail_value("/device", config.device, R"("auto", "cpu", "cuda" or "cuda:K" with the GPU's number K)");
  check_model(config.model, from);
  const std::vector<SourceConfig>& train = config.data.train;
  for (std::size_t i = 0; i < train.size(); ++i)
    check_source(train[i], train.size() == 1 ? "/data/train" : fmt::format("/data/train/{}", i), from);
  if (config.data.eval) {
    check_source(*config.data.eval, "/data/eval", from);
    if (config.data.eval->weight != 1)
      from.fail_value("/data/eval/weight", config.data.eval->weight, "1, since an evaluation shows each image once");
  }
  check_batch_norm(config, from);
  check_mixing(config, from);
  OptionChecker("", from).check(config);
  if (config.train.evaluate_at_max_time && !config.data.eval)
    from.fail_at("/train/evaluate_at_max_time", "true, and there is no /data/eval to evaluate");
  check_unfreezing(config.finetune, config.train.epochs, from);
  check_schedule(config.schedule, config.optimizer.lr, config.train.epochs, from);
}

}  // namespace

nlohmann::ordered_json to_json(const Config& config) { return ObjectWriter::json_of(config); }

Config parse_config(std::string_view text, const std::string& source, std::span<const std::string> overrides) {
  Json root = parse_config_json(text, source);
  ConfigSource from{source, {}};
  if (!root.is_object()) from.fail_value("", root, "an object: {\"key\": value, ...}");
  for (const auto& override_text : overrides) from.overrides.push_back(apply_override(root, override_text));

  Config config;
  ObjectReader keys(root, "", from);
  visit_keys(keys, config);
  keys.finish();
  check(config, from);
  return config;
}

Config read_config(const std::string& path, std::span<const std::string> overrides) {
  return parse_config(read_config_text(path), path, overrides);
}

}  // namespace tandem
