#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/base/pattern.h"
#include "weights/caffe/migration/parts.h"
#include "weights/caffe/resnet.h"
#include "weights/caffe/window.h"
#include "weights/content.h"

namespace tandem {
namespace {

constexpr std::int64_t kMostNumbers = std::int64_t{1} << 27;  // of all blobs; a ResNet-152 has less than half

/// The layers up to the first head of the first tower, with parameters of ones where the text has none: shapes are all
/// that a ResNet is told by.
class Outline {
 public:
  Outline(const CaffeTraining& net, int end, const CaffeNotes& notes) : path_(notes.text().path()) {
    std::set<const caffe::LayerParameter*> wanted;
    for (const int node : net.ancestors(end))
      if (!net.graph[node].inputs.empty()) wanted.insert(net.graph[node].layer);
    for (const caffe::LayerParameter& layer : net.net.layer()) {
      const bool passes_on = layer.type() == "Split" || layer.type() == "Dropout";
      if (!in_phase(layer, caffe::TRAIN) || !(passes_on || wanted.contains(&layer))) continue;
      caffe::LayerParameter& copy = *outline_->add_layer();
      copy = layer;
      copy.clear_include();
      copy.clear_exclude();
      copy.clear_blobs();
      if (copy.type() == "Slice") copy.set_type("Split");  // both images of a pair take the same way
      add_blobs(copy);
    }
  }
  const std::shared_ptr<caffe::NetParameter>& net() const { return outline_; }

 private:
  void add_blobs(caffe::LayerParameter& layer) {
    const auto known = layer.bottom_size() == 0 ? channels_.end() : channels_.find(layer.bottom(0));
    const std::int64_t in = known == channels_.end() ? 3 : known->second;
    std::int64_t out = in;
    const std::string& type = layer.type();
    if (type == "Convolution") {
      const auto& p = layer.convolution_param();
      const CaffeWindow window = window_of(p);
      out = number(p.num_output());
      const std::int64_t groups = std::max<std::int64_t>(number(p.group()), 1);
      add(layer, {out, in / groups, number(window.kernel), number(window.kernel)});
      if (p.bias_term()) add(layer, {out});
    } else if (type == "InnerProduct") {
      out = number(layer.inner_product_param().num_output());
      add(layer, {out, in});
      add(layer, {out});
    } else if (type == "BatchNorm") {
      for (const std::int64_t size : {in, in, std::int64_t{1}}) add(layer, {size});
    } else if (type == "Scale") {
      for (int i = 0; i < 2; ++i) add(layer, {in});
    } else if (type == "Bias") {
      add(layer, {in});
    }
    for (const std::string& top : layer.top()) channels_[top] = out;
  }
  std::int64_t number(std::uint64_t value) const {
    if (value > static_cast<std::uint64_t>(kMostNumbers)) refuse_file(path_, "a layer of {} channels", value);
    return static_cast<std::int64_t>(value);
  }
  void add(caffe::LayerParameter& layer, const std::vector<std::int64_t>& shape) {
    std::int64_t count = 0;
    if (!count_elements(shape, count) || count > kMostNumbers || (numbers_ += count) > kMostNumbers)
      refuse_file(path_, "the layer {} makes it larger than any network that Tandem trains", layer.name());
    caffe::BlobProto& blob = *layer.add_blobs();
    for (const std::int64_t size : shape) blob.mutable_shape()->add_dim(size);
    blob.mutable_data()->Resize(static_cast<int>(count), 1);
  }

  const std::filesystem::path& path_;
  std::shared_ptr<caffe::NetParameter> outline_ = std::make_shared<caffe::NetParameter>();
  std::map<std::string, std::int64_t> channels_;  // of each blob
  std::int64_t numbers_ = 0;
};

// --- Factors of parameters ---

struct Factors {
  double lr = 1, decay = 1;
  bool operator==(const Factors&) const = default;
  bool operator<(const Factors& other) const { return std::pair(lr, decay) < std::pair(other.lr, other.decay); }
};

class FactorTable {
 public:
  FactorTable(const CaffeTraining& net, CaffeNotes& notes) : net_(net), notes_(notes) {
    for (int node = 0; node < net.graph.size(); ++node)
      layers_[printable(net.graph[node].layer->name())] = net.graph[node].layer;
  }

  /// Of the tensors of a backbone and its classifier.
  void add(const ResNetWeights& found) {
    for (const auto& [name, origin] : found.origins) {
      if (name.find(".running_") != std::string::npos) continue;
      const bool bias = name.ends_with(".bias");
      for (const std::string& part : split(origin)) {
        const std::string layer = part.substr(0, part.rfind('['));
        const auto known = layers_.find(layers_.contains(part) ? part : layer);
        if (known == layers_.end()) continue;
        const std::string& type = known->second->type();
        if (type == "Convolution" && bias) continue;  // merged into the norm
        if (type != "BatchNorm") add(name, *known->second, bias ? 1 : 0);
      }
    }
  }
  void add(const std::string& name, const caffe::LayerParameter& layer, int param) {
    if (layer.type() == "Bias") param = 0;
    Factors factors;
    if (param < layer.param_size()) {
      factors.lr = notes_.number(layer.param(param).lr_mult(), "lr_mult");
      factors.decay = notes_.number(layer.param(param).decay_mult(), "decay_mult");
    }
    factors_[name] = factors;
    sources_[name] = &layer;
  }

  /// "finetune.freeze" of the layers of which no parameter learns, "optimizer.decay_on" and "optimizer.groups".
  void write() {
    write_frozen();
    const auto is_vector = [](const std::string& name) {
      return name.ends_with(".bias") || name.find("bn") != std::string::npos || name.ends_with("downsample.1.weight");
    };
    bool decays_vectors = false;
    for (const auto& [name, factors] : factors_)
      decays_vectors |= is_vector(name) && factors.decay != 0 && !frozen_.contains(name);
    auto& optimizer = notes_.config()["optimizer"];
    if (decays_vectors) optimizer["decay_on"] = "all";
    std::map<Factors, std::set<std::string>> groups;
    for (auto [name, factors] : factors_) {
      if (frozen_.contains(name)) continue;
      if (!decays_vectors && is_vector(name)) factors.decay = 1;  // which then decay by no factor
      if (factors != Factors()) groups[factors].insert(name);
    }
    for (const auto& [factors, names] : groups)
      optimizer["groups"].push_back({{"match", patterns(names)}, {"lr", factors.lr}, {"weight_decay", factors.decay}});
  }

 private:
  static std::vector<std::string> split(const std::string& origin) {
    static constexpr std::string_view kPlus = " + ";
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t plus = origin.find(kPlus); plus != std::string::npos; plus = origin.find(kPlus, begin)) {
      parts.push_back(origin.substr(begin, plus - begin));
      begin = plus + kPlus.size();
    }
    parts.push_back(origin.substr(begin));
    return parts;
  }

  void write_frozen() {
    const auto layer_of = [](const std::string& name) { return name.substr(0, name.rfind('.')); };
    std::set<std::string> learning;
    for (const auto& [name, factors] : factors_)
      if (factors.lr != 0) learning.insert(layer_of(name));
    for (const auto& [name, factors] : factors_)
      if (!learning.contains(layer_of(name))) frozen_.insert(name);
    if (frozen_.empty()) return;
    auto& finetune = notes_.config()["finetune"];
    finetune["freeze"] = patterns(frozen_);
    if (finetune.contains("freeze_statistics")) return;
    std::set<const caffe::LayerParameter*> norms;
    for (const std::string& name : frozen_)
      if (sources_.at(name)->type() == "Scale") norms.insert(sources_.at(name));
    std::vector<std::vector<Prototxt::Step>> places;
    places.reserve(norms.size());
    for (const caffe::LayerParameter* norm : norms) places.push_back(net_.at(*norm));
    notes_.add_all(CaffeFinding::Kind::differs, places,
                   "lr_mult 0 of a Scale layer: a frozen batch norm uses its running statistics, in training too");
  }

  /// A few patterns that fit these names and no other.
  std::vector<std::string> patterns(const std::set<std::string>& names) const {
    // This one stands for all but the heads.
    static constexpr const char* kBackbone = "backbone.*";
    static constexpr auto kWide =
        std::to_array<const char*>({"*", kBackbone, "*.bias", "*.weight", "fc.*", "embedding.*", "embedding.*.weight",
                                    "embedding.*.bias", "layer1.*", "layer2.*", "layer3.*", "layer4.*", "conv1.*",
                                    "*bn?.*", "*bn?.weight", "*bn?.bias", "*downsample.1.*"});
    std::vector<std::string> all;
    std::set<std::string> left = names;
    const auto take = [&](const std::string& pattern) {
      std::set<std::string> fitting;
      for (const auto& [name, factors] : factors_)
        if (pattern == kBackbone ? !is_of_a_head(name) : fits_pattern(name, pattern)) fitting.insert(name);
      const auto is_wanted = [&](const std::string& name) { return names.contains(name); };
      if (!std::all_of(fitting.begin(), fitting.end(), is_wanted)) return;
      if (std::erase_if(left, [&](const std::string& name) { return fitting.contains(name); }) > 0)
        all.push_back(pattern);
    };
    for (const char* pattern : kWide) take(pattern);
    all.insert(all.end(), left.begin(), left.end());
    return all;
  }

  static bool is_of_a_head(const std::string& name) {
    return name.starts_with("fc.") || name.starts_with("embedding.");
  }

  const CaffeTraining& net_;
  CaffeNotes& notes_;
  std::map<std::string, const caffe::LayerParameter*> layers_;
  std::map<std::string, Factors> factors_;                       // by Tandem's names
  std::map<std::string, const caffe::LayerParameter*> sources_;  // by Tandem's names, the layer that tells the factors
  std::set<std::string> frozen_;                                 // Tandem's names
};

/// What Caffe's norms can and Tandem's cannot.
void note_norms(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  std::vector<std::vector<Prototxt::Step>> global, fractions, eps, unbiased;
  std::size_t norms = 0;
  for (const int node : parts.used) {
    const caffe::LayerParameter& layer = *net.graph[node].layer;
    const auto& p = layer.batch_norm_param();
    if (layer.type() == "BatchNorm") ++norms;
    if (p.use_global_stats()) global.push_back(net.at(node, "batch_norm_param", "use_global_stats"));
    if (p.has_moving_average_fraction())
      fractions.push_back(net.at(node, "batch_norm_param", "moving_average_fraction"));
    if (p.eps() != caffe::BatchNormParameter().eps()) eps.push_back(net.at(node, "batch_norm_param", "eps"));
    if (layer.type() == "Scale" && !layer.scale_param().bias_term()) unbiased.push_back(net.at(node));
  }
  using enum CaffeFinding::Kind;
  if (!global.empty() && global.size() == norms)
    notes.config()["finetune"]["freeze_statistics"] = true;
  else
    notes.add_all(missing, global,
                  "use_global_stats of some layers: batch norm uses the batch's statistics in training");
  notes.add_all(differs, fractions, "moving_average_fraction: a step keeps 0.9 of the running statistics");
  notes.add_all(differs, eps, "eps: batch norm has 1e-5");
  notes.add_all(differs, unbiased, "a Scale layer without bias: batch norm has one");
}

/// Of parameters whose names in Tandem are not known.
void note_factors(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  std::vector<std::vector<Prototxt::Step>> places;
  for (const int node : parts.used) {
    const auto& params = net.graph[node].layer->param();
    if (std::any_of(params.begin(), params.end(),
                    [](const auto& p) { return p.lr_mult() != 1 || p.decay_mult() != 1; }))
      places.push_back(net.at(node));
  }
  notes.add_all(CaffeFinding::Kind::missing, places, "factors of the learning rate and the weight decay of a layer");
}

}  // namespace

std::optional<ResNetShape> migrate_backbone(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  note_norms(net, parts, notes);
  const int end = !parts.classifiers.empty()    ? parts.classifiers[0]
                  : !parts.embedding[0].empty() ? parts.embedding[0].front()
                                                : SiameseParts::kNone;
  if (end == SiameseParts::kNone) {
    notes.missing({}, "no head: the backbone is not found, and model.arch is left as it is");
    return {};
  }
  FactorTable factors(net, notes);
  std::optional<ResNetShape> shape;
  try {
    const Outline outline(net, end, notes);
    ResNetWeights found = find_caffe_resnet(notes.text().path(), *outline.net(), outline.net());
    if (parts.classifiers.empty())
      std::erase_if(found.origins, [](const auto& origin) { return origin.first.starts_with("fc."); });
    factors.add(found);
    shape = std::move(found.shape);
  } catch (const InputError& e) {
    notes.missing({}, backbone_is_missing(notes.text().path(), e));
    note_factors(net, parts, notes);
    return {};
  }
  for (std::size_t i = 0; i < parts.embedding[0].size(); ++i)
    for (const int param : {0, 1})
      factors.add(fmt::format("embedding.{}.{}", 2 * i, param == 0 ? "weight" : "bias"),
                  *net.graph[parts.embedding[0][i]].layer, param);
  factors.write();
  return shape;
}

}  // namespace tandem
