#include "inference/model/import.h"

#include <algorithm>

#include "core/backend/host_copy.h"
#include "inference/model/model_file.h"
#include "inference/model/tensors.h"
#include "layers/backbones/factory.h"
#include "layers/initialise.h"
#include "layers/parameter_pattern.h"
#include "layers/torch_layout.h"
#include "weights/content.h"

namespace tandem {
namespace {

constexpr std::array<double, 3> kCaffeMean = {104, 117, 123};  // B, G, R, of ImageNet
constexpr int kUsualSize = 224;

/// What a network expects that says so itself, or of which the options say so.
InputDescription input_of(const ImportOptions& options, ResNetWeights& weights) {
  const SourceInput source = weights.input.value_or(SourceInput());
  InputDescription input(options.form, options.size.value_or(static_cast<int>(source.size.value_or(kUsualSize))));
  input.bgr = options.bgr.value_or(source.bgr);
  if (!weights.input && !options.mean && !options.scale) {
    weights.notes.push_back(fmt::format(
        "input: {}, ImageNet's mean and standard deviation, as torchvision's networks expect: the file tells none",
        input.bgr ? "BGR" : "RGB"));
    if (input.bgr) std::reverse(input.mean.begin(), input.mean.end());
    if (input.bgr) std::reverse(input.deviation.begin(), input.deviation.end());
    return input;
  }
  const bool assumed = !options.mean && !source.mean;
  const double scale = options.scale.value_or(source.scale);
  input.scale = 1;
  input.mean = options.mean.value_or(source.mean.value_or(kCaffeMean));
  input.deviation.fill(1 / scale);
  if (assumed && !input.bgr) std::reverse(input.mean.begin(), input.mean.end());
  weights.notes.push_back(fmt::format("input: {}, minus ({}){}, times {}", input.bgr ? "BGR" : "RGB",
                                      fmt::join(input.mean, ", "),
                                      assumed ? ", Caffe's usual mean, as the file tells none" : "", scale));
  return input;
}

/// What the network of a file expects, where a run that starts with it has the input `to`: a file that does not say is
/// taken to expect the same, where that can be.
InputDescription input_of(const std::filesystem::path& path, ResNetWeights& weights, const InputDescription& to) {
  if (const auto described = weights.metadata.find(kModelKey); described != weights.metadata.end())
    return parse_model_description(described->second, path.string()).input;
  const bool silent = !weights.input || (!weights.input->mean && weights.input->bgr && to.bgr);
  if (!silent) return input_of({}, weights);
  if (to != evaluation_input(to.size))
    weights.notes.emplace_back("input: as the config's model.input says, since the file tells none");
  return to;
}

/// Replaces a tensor's numbers.
void replace(ResNetWeights& weights, std::string_view name, std::vector<float> values) {
  const auto found = std::find_if(weights.entries.begin(), weights.entries.end(),
                                  [&](const auto& entry) { return entry.name == name; });
  require(found != weights.entries.end(), "import: no tensor {}", name);
  const auto owner = std::make_shared<const std::vector<float>>(std::move(values));
  found->dtype = "F32";
  found->data = std::as_bytes(std::span(*owner));
  weights.owners.push_back(owner);
}

/// The first convolution's weight, and the mean of the batch norm behind it.
struct FirstNames {
  const char *weight, *mean;
};
FirstNames first_names(const ResNetShape& shape) {
  return shape.deep_stem ? FirstNames{"conv1.0.weight", "conv1.1.running_mean"}
                         : FirstNames{"conv1.weight", "bn1.running_mean"};
}

const WeightsEntry& first_convolution(const ResNetWeights& weights) {
  const WeightsEntry* conv = weights.find(first_names(weights.shape).weight);
  require(conv && conv->shape.size() == 4 && conv->shape[1] == 3, "import: no first convolution over three channels");
  return *conv;
}

/// Copies numbers in PyTorch's order into a tensor.
void upload_torch(Backend& backend, const std::vector<double>& torch, Tensor& tensor) {
  std::vector<double> ours(torch.size());
  for_torch_order(tensor.shape(), [&](std::int64_t to, std::int64_t from) {
    ours[static_cast<std::size_t>(to)] = torch[static_cast<std::size_t>(from)];
  });
  upload_real(backend, ours, tensor);
}

/// Changes the first convolution and batch norm of a network for the input `from` so that they compute the same from
/// the input `to`: with x_from = a x_to + b in each channel, the weights are multiplied by a, and the sum of the
/// weights times b is taken off the running mean.
void change_input(ResNetWeights& weights, const InputStatistics& from, const InputStatistics& to) {
  const WeightsEntry& conv = first_convolution(weights);
  const FirstNames names = first_names(weights.shape);
  const WeightsEntry* mean_entry = weights.find(names.mean);
  require(mean_entry != nullptr, "import: no tensor {}", names.mean);
  std::vector<double> w = real_values<double>(conv), mean = real_values<double>(*mean_entry);
  const auto area = static_cast<std::size_t>(conv.shape[2] * conv.shape[3]);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::size_t channel = i / area % 3;
    mean[i / (3 * area)] -= w[i] * (to.mean[channel] - from.mean[channel]) / from.deviation[channel];
    w[i] *= to.deviation[channel] / from.deviation[channel];
  }
  replace(weights, names.weight, {w.begin(), w.end()});
  replace(weights, names.mean, {mean.begin(), mean.end()});
}

/// Exchanges the first and the last channel of conv1.
void exchange_channels(ResNetWeights& weights) {
  const WeightsEntry& conv = first_convolution(weights);
  std::vector<float> w = real_values<float>(conv);
  const auto area = conv.shape[2] * conv.shape[3];
  for (auto filter = w.begin(); filter != w.end(); filter += 3 * area)
    std::swap_ranges(filter, filter + area, filter + 2 * area);
  replace(weights, first_names(weights.shape).weight, std::move(w));
}

/// Changes the weights for the input `from` so that they compute the same from the input `to`.
void change_input(ResNetWeights& weights, const InputDescription& from, const InputDescription& to) {
  InputStatistics statistics = from.statistics();
  if (from.bgr != to.bgr) {
    exchange_channels(weights);
    std::reverse(statistics.mean.begin(), statistics.mean.end());
    std::reverse(statistics.deviation.begin(), statistics.deviation.end());
    weights.notes.push_back(
        fmt::format("the first convolution's channels are turned from {}", from.bgr ? "BGR to RGB" : "RGB to BGR"));
  }
  if (statistics != to.statistics()) change_input(weights, statistics, to.statistics());
}

/// What no tensor's shape tells apart.
void tell_difference(const ResNetVariant& theirs, const ResNetVariant& ours, std::vector<std::string>& notes) {
  const auto tell = [&](bool file, bool network, const char* what) {
    if (file != network)
      notes.push_back(fmt::format("{} has {}, {} has not: the same weights compute other features",
                                  file ? "the file's network" : "this network", what,
                                  file ? "this one" : "the file's"));
  };
  tell(theirs.stride_on_1x1, ours.stride_on_1x1, "its strides on 1x1 convolutions");
  tell(theirs.caffe_pool, ours.caffe_pool, "Caffe's pool");
}

}  // namespace

BackboneSpec backbone_of(const std::filesystem::path& path, const ResNetShape& shape) {
  const std::int64_t group = shape.groups < 1 ? 0 : shape.inner_width / shape.groups;
  if (shape.width < 1 || group < 1 || group * 64 % shape.width != 0)
    refuse_file(path, "a ResNet of width {} with {} groups of {} channels, which none of Tandem's backbones has",
                shape.width, shape.groups, group);
  return backbone_of({.block = shape.bottleneck ? ResNetSpec::Block::bottleneck : ResNetSpec::Block::basic,
                      .depths = shape.depths,
                      .width = shape.width,
                      .stem_width = shape.stem_width,
                      .stride_on = shape.stride_on_1x1 ? ResNetSpec::StrideOn::conv1x1 : ResNetSpec::StrideOn::conv3x3,
                      .caffe_pool = shape.caffe_pool,
                      .groups = shape.groups,
                      .group_width = group * 64 / shape.width,
                      .deep_stem = shape.deep_stem,
                      .pooled_shortcut = shape.average_down});
}

ResNetWeights read_network(const ResNetSource& source) {
  ResNetWeights weights = read_resnet(source);
  const bool averaged = std::any_of(weights.left_over.begin(), weights.left_over.end(),
                                    [](const auto& entry) { return entry.name.starts_with(kAveragePrefix); });
  if (!source.key.empty() || !averaged || !weights.metadata.contains(kModelKey)) return weights;
  return read_resnet({source.weights, source.net, "ema"});
}

BackboneSpec backbone_in(const std::filesystem::path& path, const std::string& key) {
  const ResNetWeights weights = read_network({path, "", key});
  if (const auto described = weights.metadata.find(kModelKey); described != weights.metadata.end())
    return parse_model_description(described->second, path.string()).backbone;
  return backbone_of(path, weights.shape);
}

ModelDescription describe_import(const std::filesystem::path& path, const ImportOptions& options,
                                 ResNetWeights& weights) {
  ModelDescription model;
  model.backbone = backbone_of(path, weights.shape);
  model.embedding = options.embedding;
  model.input = input_of(options, weights);
  model.classes = options.classes;
  model.embedding_trained = false;
  model.classifier_trained = weights.classes > 0;
  if (weights.classes == 0 && options.classes.empty())
    refuse_file(path, "has no classifier, so expected a file with the names of the classes");
  if (model.classes.empty())
    for (std::int64_t i = 0; i < weights.classes; ++i) model.classes.push_back(std::to_string(i));
  if (const auto named = static_cast<std::int64_t>(model.classes.size());
      weights.classes != 0 && named != weights.classes)
    refuse_file(path, "its classifier has {} classes, but {} are named", weights.classes, named);
  return model;
}

Match load_weights(const std::filesystem::path& path, const ResNetWeights& weights,
                   const std::vector<std::string>& skip, Backend& backend, TwinTowers& network) {
  const std::vector<NamedTensor> state = network.state();
  std::vector<WantedTensor> wanted;
  wanted.reserve(state.size());
  for (const NamedTensor& t : state) wanted.push_back({t.name, torch_shape(t.tensor().shape()), is_of_a_head(t.name)});
  Match match = match_weights(path, weights.entries, wanted, skip);
  for (std::size_t i = 0; i < state.size(); ++i)
    if (const WeightsEntry* source = match.tensors[i].source)
      upload_torch(backend, real_values<double>(*source), state[i].tensor());
  for (const WeightsEntry& entry : weights.left_over) match.left_over.push_back(&entry);
  return match;
}

Match write_import(const std::filesystem::path& path, const ResNetWeights& weights, const ModelDescription& model,
                   const std::filesystem::path& out) {
  const auto backend = make_cpu_backend();
  TwinTowers network(*backend, DType::f32, tower_options(model));
  initialise(*backend, network, 1);
  Match match = load_weights(path, weights, {}, *backend, network);
  for (const WeightsEntry* entry : match.left_over)
    if (weights.find(entry->name) == entry && entry->name.starts_with("layer"))
      refuse_file(path, "{} is in its blocks, which no ResNet of Tandem's has",
                  printable(weights.origins.at(entry->name)));
  std::vector<std::vector<std::byte>> buffers;
  std::vector<SafetensorsEntry> entries;
  for (const NamedTensor& t : network.state()) {
    buffers.push_back(file_bytes(*backend, t.tensor()));
    entries.push_back(file_entry(kModelPrefix + t.name, t.tensor(), buffers.back()));
  }
  write_safetensors(out, entries, {{kFormatKey, kCheckpointFormat}, {kModelKey, to_json(model).dump()}});
  return match;
}

InitialWeights load_initial_weights(const std::filesystem::path& path, const std::string& key,
                                    const std::vector<std::string>& skip, Backend& backend, TwinTowers& network,
                                    const InputDescription& to) {
  ResNetWeights weights = read_network({path, "", key});
  ResNetVariant variant = {
      {}, weights.shape.width, weights.shape.stem_width, weights.shape.stride_on_1x1, weights.shape.caffe_pool};
  if (const auto described = weights.metadata.find(kModelKey); described != weights.metadata.end())
    variant = parse_model_description(described->second, path.string()).backbone.resnet;
  change_input(weights, input_of(path, weights, to), to);
  tell_difference(variant, network.options().backbone.resnet, weights.notes);
  InitialWeights initial{{}, std::move(weights)};
  initial.match = load_weights(path, initial.weights, skip, backend, network);
  return initial;
}

}  // namespace tandem
