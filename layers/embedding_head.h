#pragma once
// The head that turns a backbone's features into an embedding.

#include <memory>
#include <vector>

#include "layers/basic.h"

namespace tandem {

/// Fully connected layers with ReLU between them: widths {1024, 256} makes the layers "0" and "2", as PyTorch's
/// Sequential would name them.
class EmbeddingHead : public Module {
 public:
  /// Error without a layer.
  EmbeddingHead(Backend& backend, DType real, std::int64_t in, const std::vector<int>& widths);
  /// features (N, C) to embeddings (N, D), D the last width.
  Variable forward(Context& context, const Variable& features);

 private:
  std::vector<std::unique_ptr<Linear>> layers_;
};

}  // namespace tandem
