#pragma once
// The twin towers: one backbone with shared weights, a classifier and an embedding head, run on two streams of images
// at once.

#include <memory>
#include <vector>

#include "layers/backbones/resnet.h"

namespace tandem {

/// Fully connected layers with ReLU between them: widths {1024, 256} makes the layers "0" and "2", as PyTorch's
/// Sequential would name them.
class EmbeddingHead : public Module {
 public:
  EmbeddingHead(Backend& backend, DType real, std::int64_t in, const std::vector<int>& widths);
  /// features (N, C) to embeddings (N, D), D the last width.
  Variable forward(Context& context, const Variable& features);

 private:
  std::vector<std::unique_ptr<Linear>> layers_;
};

struct TowerOutputs {
  Variable logits;      ///< (N, K) real
  Variable embeddings;  ///< (N, D) real
  Variable features{};  ///< (N, C) real, the backbone's, which both heads see
};

struct TwinTowersOptions {
  std::string arch = "resnet50";
  std::int64_t classes = 12;
  std::vector<int> embedding = {1024, 256};
};

/// Weights are shared because there is one set of them: the two streams are the halves of one batch of 2N images. With
/// context.groups = 2 each half is normalised by its own statistics, which equals running the backbone twice and adding
/// the gradients; with groups = 1 both halves are normalised together.
class TwinTowers : public Module {
 public:
  TwinTowers(Backend& backend, DType real, const TwinTowersOptions& options);
  /// images (2N, H, W, 3) T, normalised; the first N are stream A, the others stream B. Also runs one stream alone.
  TowerOutputs forward(Context& context, const Variable& images);
  const TwinTowersOptions& options() const { return options_; }
  ResNet& backbone() { return backbone_; }

 private:
  TwinTowersOptions options_;
  ResNet backbone_;
  Linear fc_;
  EmbeddingHead embedding_;
};

}  // namespace tandem
