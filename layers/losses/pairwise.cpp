#include "layers/losses/pairwise.h"

#include "core/backend/host_copy.h"
#include "core/ops/arithmetic.h"
#include "layers/twin_towers.h"

namespace tandem {

const Variable& input_of(const TowerOutputs& outputs, LossInput input) {
  return input == LossInput::embedding ? outputs.embeddings : outputs.features;
}

TrainedHeads heads_of(LossInput input, bool directions) {
  const bool embedding = input == LossInput::embedding;
  return {.embedding = embedding, .directions = embedding && directions};
}

PairMasks AllPairs::masks(Context& context, const Tensor& labels, DType real) {
  const std::int64_t n = labels.dim(0);
  const Tensor equal = ops::equal(context, labels.reshape({n, 1}), labels.reshape({1, n}), real);
  return {ops::sub(context, equal, diagonal(context, n, real)).value(), ops::affine(context, equal, -1, 1).value()};
}

const Tensor& AllPairs::diagonal(Context& context, std::int64_t images, DType real) {
  if (!diagonal_.defined() || diagonal_.dim(0) != images || diagonal_.dtype() != real) {
    const auto n = static_cast<std::size_t>(images);
    std::vector<double> values(n * n);
    for (std::size_t i = 0; i < n; ++i) values[i * n + i] = 1;
    diagonal_ = real_tensor(context.backend, real, values).reshape({images, images});
  }
  return diagonal_;
}

Variable squared_distances(Context& context, const Variable& x) {
  const std::int64_t n = x.shape()[0];
  const Variable squares = ops::sum(context, ops::mul(context, x, x), Over::columns);  // (n, 1)
  const Variable sums = ops::add(context, squares, ops::reshape(context, squares, {1, n}));
  const Variable products = ops::matmul(context, x, x, false, true);
  return ops::relu(context, ops::sub(context, sums, ops::scale(context, products, 2)));
}

}  // namespace tandem
