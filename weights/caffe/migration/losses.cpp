#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "weights/caffe/migration/parts.h"

namespace tandem {
namespace {

double weight_of(const CaffeTraining& net, int node, const CaffeNotes& notes) {
  const caffe::LayerParameter& layer = *net.graph[node].layer;
  return layer.loss_weight_size() == 0 ? 1 : notes.number(layer.loss_weight(0), "loss_weight");
}

void migrate_softmax(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  auto& softmax = notes.config()["loss"]["softmax"];
  softmax["weight"] = 0;
  if (parts.softmax.empty()) return;
  const double first = weight_of(net, parts.softmax[0], notes), last = weight_of(net, parts.softmax.back(), notes);
  // One loss over both images of each pair is the mean of theirs.
  const bool both_in_one = parts.softmax.size() == 1 && parts.features_sliced;
  softmax["weight"] = both_in_one ? first / 2 : (first + last) / 2;
  if (first != last)
    notes.differs(
        net.at(parts.softmax.back(), "loss_weight"),
        fmt::format("loss_weight {} and {}: both towers' softmax losses have one weight, the mean", first, last));
  if (parts.softmax.size() == 1 && !parts.features_sliced && parts.contrastive != SiameseParts::kNone)
    notes.differs(net.at(parts.softmax[0]), "only one tower has a softmax loss: Tandem's have one each");
  for (const int node : parts.softmax) {
    const caffe::LossParameter& loss = net.graph[node].layer->loss_param();
    if (loss.has_ignore_label())
      notes.missing(net.at(node, "loss_param", "ignore_label"), "ignore_label: every image has a class");
    if (loss.normalization() == caffe::LossParameter::NONE || (loss.has_normalize() && !loss.normalize()))
      notes.differs(net.at(node, "loss_param"), "normalization: the softmax loss is the mean over the batch");
  }
}

void migrate_contrastive(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  auto& contrastive = notes.config()["loss"]["contrastive"];
  contrastive["weight"] = 0;
  if (parts.contrastive == SiameseParts::kNone) return;
  const auto& parameters = net.graph[parts.contrastive].layer->contrastive_loss_param();
  contrastive["weight"] = weight_of(net, parts.contrastive, notes);
  contrastive["margin"] = notes.number(parameters.margin(), "margin");
  contrastive["form"] = parameters.legacy_version() ? "legacy" : "hadsell";
}

std::uint64_t outputs(const CaffeTraining& net, int node) {
  return net.graph[node].layer->inner_product_param().num_output();
}

void migrate_heads(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  auto& model = notes.config()["model"];
  if (!parts.classifiers.empty()) model["classes"] = outputs(net, parts.classifiers[0]);
  if (parts.contrastive == SiameseParts::kNone) return;
  std::vector<std::uint64_t> widths;
  for (const int node : parts.embedding[0]) widths.push_back(outputs(net, node));
  if (widths.empty()) {
    notes.todo(net.at(parts.contrastive),
               "the contrastive loss compares features, not those of an InnerProduct layer: model.embedding is left as "
               "it is");
    return;
  }
  model["embedding"] = widths;
  const int last = parts.embedding[0].back();
  for (const int consumer : net.graph[last].consumers)
    if (net.graph[consumer].type() == "ReLU" && widths.size() == parts.embedding[0].size() &&
        net.graph[parts.contrastive].inputs[0] == consumer)
      notes.differs(net.at(consumer), "ReLU behind the embedding: Tandem's embeddings have none");
  for (const int node : parts.embedding[0])
    for (const int classifier : parts.classifiers)
      if (node == classifier)
        notes.differs(net.at(node), "the embedding is computed from the classifier's layer: Tandem's heads are apart");
}

/// The Dropout layers before the heads, in the place of which a config has one before them all.
void migrate_dropout(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  const auto& heads = parts.dropouts;
  const auto has_one = [](const auto& layers) { return !layers.empty(); };
  const auto head = std::find_if(heads.begin(), heads.end(), has_one);
  if (head == heads.end()) return;
  const caffe::LayerParameter& first = *head->front();
  const auto ratio_of = [&](const caffe::LayerParameter& layer) {
    return notes.number(layer.dropout_param().dropout_ratio(), "dropout_ratio");
  };
  const auto name_of = [](const auto& layer) { return fmt::format("the layer {} ({})", layer.name(), layer.type()); };
  const double ratio = ratio_of(first);
  if (ratio < 0 || ratio >= 1) {
    notes.todo(net.at(first), fmt::format("{}: dropout_ratio {}: tandem-train takes numbers from 0 and below 1",
                                          name_of(first), ratio));
    return;
  }
  notes.config()["model"]["dropout"] = ratio;
  if (!std::all_of(heads.begin(), heads.end(), has_one))
    notes.differs(net.at(first), name_of(first) + ": not before every head: model.dropout is, before them all");
  std::set<const caffe::LayerParameter*> told = {&first};
  for (const auto& layers : heads)
    for (const caffe::LayerParameter* layer : layers) {
      if (!told.insert(layer).second) continue;
      if (layer != layers.front())
        notes.missing(net.at(*layer), name_of(*layer) + ": another dropout before the same head");
      else if (ratio_of(*layer) != ratio)
        notes.differs(net.at(*layer), fmt::format("{}: dropout_ratio {}: all heads have one, {}", name_of(*layer),
                                                  ratio_of(*layer), ratio));
    }
}

}  // namespace

void migrate_losses(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  migrate_heads(net, parts, notes);
  migrate_dropout(net, parts, notes);
  migrate_softmax(net, parts, notes);
  migrate_contrastive(net, parts, notes);
  if (parts.softmax.empty() && parts.contrastive == SiameseParts::kNone)
    notes.todo({}, "no softmax and no contrastive loss: tandem-train needs one of them");
}

}  // namespace tandem
