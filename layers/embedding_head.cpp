#include "layers/embedding_head.h"

namespace tandem {

EmbeddingHead::EmbeddingHead(Backend& backend, DType real, std::int64_t in, const std::vector<int>& widths) {
  require(!widths.empty(), "embedding head: no layer, at least one expected");
  for (const int width : widths) {
    layers_.push_back(std::make_unique<Linear>(backend, real, in, width));
    add_module(std::to_string(2 * (layers_.size() - 1)), *layers_.back());
    in = width;
  }
}

Variable EmbeddingHead::forward(Context& context, const Variable& features) {
  Variable x = layers_[0]->forward(context, features);
  for (std::size_t i = 1; i < layers_.size(); ++i) x = layers_[i]->forward(context, ops::relu(context, x));
  return x;
}

}  // namespace tandem
