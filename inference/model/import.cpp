#include "inference/model/import.h"

#include <algorithm>

#include "core/backend/host_copy.h"
#include "inference/model/model_file.h"
#include "inference/model/tensors.h"
#include "layers/initialise.h"
#include "layers/torch_layout.h"
#include "weights/content.h"

namespace tandem {
namespace {

constexpr std::array<double, 3> kCaffeMean = {104, 117, 123};  // B, G, R, of ImageNet
constexpr int kUsualSize = 224;

struct KnownResNet {
  const char* name;
  bool bottleneck;
  std::vector<int> depths;
};

/// The backbone of the same blocks; of the same kind of block where the depths are nobody's.
BackboneSpec backbone_of(const std::filesystem::path& path, const ResNetShape& shape) {
  const char* other = shape.deep_stem                    ? "a stem of three convolutions"
                      : shape.average_down               ? "average pools on its shortcuts"
                      : shape.groups != 1                ? "grouped convolutions"
                      : shape.inner_width != shape.width ? "wide 3x3 convolutions"
                                                         : nullptr;
  if (other) refuse_file(path, "a ResNet with {}, which none of Tandem's backbones has", other);
  static const std::vector<KnownResNet> kKnown = {{"resnet18", false, {2, 2, 2, 2}},
                                                  {"resnet34", false, {3, 4, 6, 3}},
                                                  {"resnet50", true, {3, 4, 6, 3}},
                                                  {"resnet101", true, {3, 4, 23, 3}},
                                                  {"resnet152", true, {3, 8, 36, 3}}};
  BackboneSpec backbone;
  backbone.name = shape.bottleneck ? "resnet50" : "resnet18";
  backbone.resnet = {shape.depths, shape.width, shape.stem_width, shape.stride_on_1x1, shape.caffe_pool};
  for (const auto& [name, bottleneck, depths] : kKnown) {
    if (bottleneck != shape.bottleneck || depths != shape.depths) continue;
    backbone.name = name;
    backbone.resnet.depths.clear();
  }
  return backbone;
}

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

const WeightsEntry& first_convolution(const ResNetWeights& weights) {
  const WeightsEntry* conv = weights.find("conv1.weight");
  require(conv && conv->shape.size() == 4 && conv->shape[1] == 3, "import: no first convolution over three channels");
  return *conv;
}

bool is_head(const std::string& name) { return name.starts_with("fc.") || name.starts_with("embedding."); }

/// Copies numbers in PyTorch's order into a tensor.
void upload_torch(Backend& backend, const std::vector<double>& torch, Tensor& tensor) {
  std::vector<double> ours(torch.size());
  for_torch_order(tensor.shape(), [&](std::int64_t to, std::int64_t from) {
    ours[static_cast<std::size_t>(to)] = torch[static_cast<std::size_t>(from)];
  });
  upload_real(backend, ours, tensor);
}

/// Changes conv1 and bn1 of a network for the input `from` so that they compute the same from the input `to`: with
/// x_from = a x_to + b in each channel, the weights are multiplied by a, and the sum of the weights times b is taken
/// off the running mean.
void change_input(ResNetWeights& weights, const InputStatistics& from, const InputStatistics& to) {
  const WeightsEntry& conv = first_convolution(weights);
  const WeightsEntry* mean_entry = weights.find("bn1.running_mean");
  require(mean_entry != nullptr, "import: no tensor bn1.running_mean");
  std::vector<double> w = real_values<double>(conv), mean = real_values<double>(*mean_entry);
  const auto area = static_cast<std::size_t>(conv.shape[2] * conv.shape[3]);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::size_t channel = i / area % 3;
    mean[i / (3 * area)] -= w[i] * (to.mean[channel] - from.mean[channel]) / from.deviation[channel];
    w[i] *= to.deviation[channel] / from.deviation[channel];
  }
  replace(weights, "conv1.weight", {w.begin(), w.end()});
  replace(weights, "bn1.running_mean", {mean.begin(), mean.end()});
}

/// Exchanges the first and the last channel of conv1.
void exchange_channels(ResNetWeights& weights) {
  const WeightsEntry& conv = first_convolution(weights);
  std::vector<float> w = real_values<float>(conv);
  const auto area = conv.shape[2] * conv.shape[3];
  for (auto filter = w.begin(); filter != w.end(); filter += 3 * area)
    std::swap_ranges(filter, filter + area, filter + 2 * area);
  replace(weights, "conv1.weight", std::move(w));
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
  for (const NamedTensor& t : state) wanted.push_back({t.name, torch_shape(t.tensor().shape()), is_head(t.name)});
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
  std::vector<std::vector<std::byte>> buffers;
  std::vector<SafetensorsEntry> entries;
  for (const NamedTensor& t : network.state()) {
    buffers.push_back(file_bytes(*backend, t.tensor()));
    entries.push_back(file_entry(kModelPrefix + t.name, t.tensor(), buffers.back()));
  }
  write_safetensors(out, entries, {{kFormatKey, kCheckpointFormat}, {kModelKey, to_json(model).dump()}});
  return match;
}

InitialWeights load_initial_weights(const std::filesystem::path& path, const std::vector<std::string>& skip,
                                    Backend& backend, TwinTowers& network, const InputDescription& to) {
  ResNetWeights weights = read_resnet({path, "", ""});
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
