#pragma once
// The twin towers: one backbone with shared weights, a classifier and an embedding head, run on two streams of images
// at once.

#include <memory>
#include <vector>

#include "layers/backbones/backbone.h"
#include "layers/basic.h"
#include "layers/embedding_head.h"

namespace tandem {

/// Two labels for each image, whose softmax losses count in these shares: mixed images (data/augment/mixing.h).
struct MixedLabels {
  Tensor others;  ///< (N) i32, the labels beside the images' own; undefined: there are none
  Tensor shares;  ///< (2) real: of the own label, and of the other
};

struct TowerOutputs {
  Variable logits;      ///< (N, K) real
  Variable embeddings;  ///< (N, D) real
  Variable features{};  ///< (N, C) real, the backbone's, which both heads see
  MixedLabels mixed{};
};

struct TwinTowersOptions {
  BackboneSpec backbone;
  std::int64_t classes = 12;                 ///< K
  std::vector<int> embedding = {1024, 256};  ///< widths of the embedding head's layers, the last of which is D
};

/// Weights are shared because there is one set of them: the two streams are the halves of one batch of 2N images. With
/// context.groups = 2 each half is normalised by its own statistics, which equals running the backbone twice and adding
/// the gradients; with groups = 1 both halves are normalised together.
///
/// The backbone's parameters have its own names; before those of the classifier, a linear layer, is "fc." as in
/// torchvision's ResNet, and before those of the embedding head "embedding.".
class TwinTowers : public Module {
 public:
  /// InputError for a backbone that make_backbone() does not know.
  TwinTowers(Backend& backend, DType real, const TwinTowersOptions& options);
  /// images (2N, H, W, 3) T, normalised; the first N are stream A, the others stream B. Also runs one stream alone.
  TowerOutputs forward(Context& context, const Variable& images);
  const TwinTowersOptions& options() const { return options_; }
  Backbone& backbone() { return *backbone_; }

 private:
  TwinTowersOptions options_;
  std::unique_ptr<Backbone> backbone_;
  Linear classifier_;
  EmbeddingHead embedding_;
};

}  // namespace tandem
