#include "inference/model/model_description.h"

#include <algorithm>

#include "core/base/error.h"
#include "layers/backbones/factory.h"
#include "layers/losses/contrastive.h"

namespace tandem {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kFormat = 1;

constexpr const char* kAntialiased = ", antialiased";

std::string describe(const Resampling& resampling) {
  return std::string(enum_name(resampling.interpolation)) + (resampling.antialias ? kAntialiased : "");
}

ordered_json to_json(const InputDescription& input) {
  ordered_json all = {{"channels", input.bgr ? "BGR" : "RGB"},
                      {"size", input.size},
                      {"resize", input.resize},
                      {"interpolation", describe(input.resampling)},
                      {"crop", "center"},
                      {"mean", input.mean},
                      {"std", input.deviation}};
  if (input.squash) all["resize"] = {input.resize, input.resize};
  if (input.letterbox) all["letterbox"] = *input.letterbox;
  if (input.scale != InputOptions::kUnitScale) all["scale"] = input.scale;
  return all;
}

Resampling parse_resampling(const std::string& text) {
  Resampling resampling;
  for (const auto& [interpolation, name] : enum_names(Interpolation{}))
    for (const bool antialias : {false, true})
      if (const Resampling one{interpolation, antialias}; describe(one) == text) resampling = one;
  return resampling;
}

/// Reads what it knows. The caller looks whether it says the same as the JSON.
InputDescription parse_input(const json& all) {
  InputDescription input = evaluation_input(all.at("size").get<int>());
  input.bgr = all.at("channels") == "BGR";
  input.squash = all.at("resize").is_array();
  input.resize = (input.squash ? all.at("resize").at(0) : all.at("resize")).get<int>();
  if (all.contains("letterbox")) input.letterbox = all["letterbox"].get<std::array<int, 3>>();
  input.resampling = parse_resampling(all.at("interpolation").get<std::string>());
  input.mean = all.at("mean").get<std::array<double, 3>>();
  input.deviation = all.at("std").get<std::array<double, 3>>();
  input.scale = all.value("scale", input.scale);
  return input;
}

/// Which of two words a key of the backbone has; the first if it is absent.
bool is_second(const json& all, const char* key, const char* first, const char* second, const std::string& source) {
  const auto word = all.value(key, std::string(first));
  if (word != first && word != second)
    fail_input("{}: backbone: {}: got \"{}\", expected \"{}\" or \"{}\"", source, key, word, first, second);
  return word == second;
}

BackboneSpec parse_backbone(const json& all, const std::string& source) {
  BackboneSpec backbone;
  ResNetVariant& variant = backbone.resnet;
  backbone.name = all.at("name").get<std::string>();
  variant.depths = all.value("depths", variant.depths);
  variant.width = all.value("width", variant.width);
  variant.stem_width = all.value("stem_width", variant.stem_width);
  variant.stride_on_1x1 = is_second(all, "stride_on", "3x3", "1x1", source);
  variant.caffe_pool = is_second(all, "pool", "torch", "caffe", source);
  if (all.contains("groups")) variant.groups = all["groups"].get<std::int64_t>();
  if (all.contains("group_width")) variant.group_width = all["group_width"].get<std::int64_t>();
  if (all.contains("stem")) variant.deep_stem = is_second(all, "stem", "conv7", "deep", source);
  if (all.contains("shortcut")) variant.pooled_shortcut = is_second(all, "shortcut", "conv", "pooled", source);
  return backbone;
}

/// InputError for a network that no machine holds.
void check(const BackboneSpec& backbone, const std::string& source) {
  constexpr std::int64_t kMostChannels = 4096;
  constexpr std::size_t kMostStages = 8;
  constexpr int kMostBlocks = 1024;
  const ResNetVariant& variant = backbone.resnet;
  const auto in_range = [](std::int64_t value, std::int64_t most) { return value >= 1 && value <= most; };
  const std::int64_t groups = variant.groups.value_or(1), group_width = variant.group_width.value_or(1);
  if (!in_range(variant.width, kMostChannels) || !in_range(variant.stem_width, kMostChannels) ||
      !in_range(groups, kMostChannels) || !in_range(group_width, kMostChannels) ||
      !in_range(groups * group_width, kMostChannels) || variant.depths.size() > kMostStages ||
      !std::all_of(variant.depths.begin(), variant.depths.end(), [&](int n) { return in_range(n, kMostBlocks); }))
    fail_input("{}: backbone: {}, expected widths and groups from 1 to {}, and at most {} stages of 1 to {} blocks",
               source, to_json(backbone).dump(), kMostChannels, kMostStages, kMostBlocks);
}

/// Calls body(), which reads JSON.
template <class Body>
ModelDescription described(const std::string& source, const Body& body) {
  try {
    return body();
  } catch (const json::exception& e) {
    fail_input("{}: the description of the model cannot be used: {}", source, e.what());
  }
}

Precision precision_in(const json& j, const std::string& source) {
  try {
    return parse_precision(j.at("precision").get<std::string>());
  } catch (const InputError& e) {
    fail_input("{}: {}", source, e.what());
  }
}

/// The distance that a config's contrastive loss asks for.
double margin_in(const json& contrastive) {
  ContrastiveLossOptions options;
  options.margin = contrastive.value("margin", options.margin);
  if (contrastive.value("form", "hadsell") == "legacy") options.form = ContrastiveForm::legacy;
  return distance_asked_for(options);
}

void check(const ModelDescription& model, const std::string& source) {
  constexpr int kWidest = 65536, kSmallest = 8, kLargest = 4096, kMostResized = 100 * kLargest;
  const auto known = backbone_names();
  if (std::find(known.begin(), known.end(), model.backbone.name) == known.end())
    fail_input("{}: backbone: got \"{}\", expected one of {}", source, model.backbone.name, known_backbones());
  if (model.classes.empty()) fail_input("{}: a model without classes, expected at least one", source);
  if (model.embedding.empty()) fail_input("{}: an embedding head without layers, expected at least one", source);
  for (const int width : model.embedding)
    if (width < 1 || width > kWidest)
      fail_input("{}: embedding head: a layer of width {}, expected 1 to {}", source, width, kWidest);
  check(model.backbone, source);
  for (const double deviation : model.input.deviation)
    if (!(deviation > 0)) fail_input("{}: input: a std of {}, expected one above 0", source, deviation);
  if (model.input.size < kSmallest || model.input.size > kLargest)
    fail_input("{}: input of {} pixels, expected {} to {}", source, model.input.size, kSmallest, kLargest);
  if (model.input.resize < model.input.size || model.input.resize > kMostResized)
    fail_input("{}: input: resized to {} pixels, expected {} to {}", source, model.input.resize, model.input.size,
               kMostResized);
  if (const auto& colour = model.input.letterbox) {
    if (model.input.squash || model.input.resize != model.input.size)
      fail_input("{}: input: a letterbox that is resized to other than its {} pixels", source, model.input.size);
    if (!std::all_of(colour->begin(), colour->end(), [](int value) { return value >= 0 && value <= 255; }))
      fail_input("{}: input: a letterbox of the colour {}, expected three values from 0 to 255", source,
                 json(*colour).dump());
  }
  if (!(model.input.scale > 0)) fail_input("{}: input: a scale of {}, expected one above 0", source, model.input.scale);
}

}  // namespace

InputDescription::InputDescription(const InputOptions& options, int side)
    : InputGeometry(options, side), scale(options.scale), mean(options.mean), deviation(options.deviation) {}

InputStatistics InputDescription::statistics() const {
  InputStatistics statistics{mean, deviation};
  if (scale == InputOptions::kUnitScale) return statistics;
  for (std::size_t c = 0; c < 3; ++c) {
    statistics.mean[c] /= 255 * scale;
    statistics.deviation[c] /= 255 * scale;
  }
  return statistics;
}

InputDescription evaluation_input(int size) { return InputDescription({}, size); }

TwinTowersOptions tower_options(const ModelDescription& model) {
  BackboneSpec backbone = model.backbone;
  backbone.input = model.input.statistics();
  return {backbone, static_cast<std::int64_t>(model.classes.size()), model.embedding};
}

ordered_json to_json(const BackboneSpec& backbone) {
  const ResNetVariant &variant = backbone.resnet, usual;
  ordered_json all = {{"name", backbone.name}};
  if (variant.depths != usual.depths) all["depths"] = variant.depths;
  if (variant.width != usual.width) all["width"] = variant.width;
  if (variant.stem_width != usual.stem_width) all["stem_width"] = variant.stem_width;
  if (variant.stride_on_1x1) all["stride_on"] = "1x1";
  if (variant.caffe_pool) all["pool"] = "caffe";
  if (variant.groups) all["groups"] = *variant.groups;
  if (variant.group_width) all["group_width"] = *variant.group_width;
  if (variant.deep_stem) all["stem"] = *variant.deep_stem ? "deep" : "conv7";
  if (variant.pooled_shortcut) all["shortcut"] = *variant.pooled_shortcut ? "pooled" : "conv";
  return all;
}

ordered_json to_json(const ModelDescription& model) {
  std::vector<std::string> heads;
  if (model.classifier_trained) heads.emplace_back("classifier");
  if (model.embedding_trained) heads.emplace_back("embedding");
  ordered_json training = {{"heads", heads}, {"steps", model.steps}, {"precision", to_string(model.precision)}};
  if (model.margin > 0) training["margin"] = model.margin;
  if (model.directions) training["distance"] = "cosine";
  return {{"format", kFormat},        {"backbone", to_json(model.backbone)}, {"embedding", model.embedding},
          {"classes", model.classes}, {"input", to_json(model.input)},       {"training", training}};
}

ModelDescription parse_model_description(std::string_view text, const std::string& source) {
  return described(source, [&] {
    const json all = json::parse(text);
    if (const int format = all.at("format").get<int>(); format != kFormat)
      fail_input("{}: a model description of format {}, expected {}", source, format, kFormat);
    ModelDescription model;
    model.backbone = parse_backbone(all.at("backbone"), source);
    model.embedding = all.at("embedding").get<std::vector<int>>();
    model.classes = all.at("classes").get<std::vector<std::string>>();
    model.input = parse_input(all.at("input"));
    check(model, source);
    const json expected = json(to_json(model.input)), &input = all.at("input");
    if (input != expected)
      fail_input("{}: the model's input is {}, expected {}: no other is implemented", source, input.dump(),
                 expected.dump());
    const json& training = all.at("training");
    const auto heads = training.at("heads").get<std::vector<std::string>>();
    const auto has = [&](const char* head) { return std::find(heads.begin(), heads.end(), head) != heads.end(); };
    model.classifier_trained = has("classifier");
    model.embedding_trained = has("embedding");
    model.steps = training.at("steps").get<std::int64_t>();
    model.precision = precision_in(training, source);
    model.margin = training.value("margin", 0.0);
    model.directions = training.value("distance", "L2") == "cosine";
    return model;
  });
}

ModelDescription describe_old_checkpoint(std::string_view config_text, std::string_view classes, std::string_view state,
                                         const std::string& source) {
  return described(source, [&] {
    const json config = json::parse(config_text);
    ModelDescription model;
    model.backbone.name = config.at("model").at("arch").get<std::string>();
    model.embedding = config.at("model").at("embedding").get<std::vector<int>>();
    model.classes = json::parse(classes).get<std::vector<std::string>>();
    model.input = evaluation_input(config.at("data").at("image_size").get<int>());
    // A weight may also be a word, "match_softmax".
    const json &loss = config.at("loss"), none = 0;
    model.classifier_trained = loss.at("softmax").at("weight") != none;
    model.embedding_trained = loss.at("contrastive").at("weight") != none;
    if (model.embedding_trained) model.margin = margin_in(loss.at("contrastive"));
    model.steps = json::parse(state).at("step").get<std::int64_t>();
    model.precision = precision_in(config, source);
    check(model, source);
    return model;
  });
}

}  // namespace tandem
