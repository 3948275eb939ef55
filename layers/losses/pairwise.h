#pragma once
// What losses over all pairs of a step's images share: which vectors they look at, and which pairs have one label.

#include <array>

#include "core/base/option_keys.h"
#include "core/ops/ops.h"
#include "layers/losses/loss_term.h"

namespace tandem {

/// The vectors of the images that a loss compares.
enum class LossInput {
  embedding,  ///< the embedding head's, which the loss then trains
  features    ///< the backbone's, which both heads see
};

constexpr auto enum_names(LossInput) {
  using enum LossInput;
  return std::to_array<EnumName<LossInput>>({{embedding, "embedding"}, {features, "features"}});
}

/// (n, D) real.
const Variable& input_of(const TowerOutputs& outputs, LossInput input);
/// The heads through which a loss on these vectors reaches the backbone. `directions`: it divides them by their
/// lengths.
TrainedHeads heads_of(LossInput input, bool directions);

/// The pairs of n images, each twice: (i, j) and (j, i), but no image with itself.
class AllPairs {
 public:
  /// masks (n, n) for labels (n) i32. The first call for a number of images uploads a matrix, so it may not be within
  /// a captured step.
  PairMasks masks(Context& context, const Tensor& labels, DType real);
  /// (n, n) real: 1 on the diagonal, otherwise 0. The same holds.
  const Tensor& diagonal(Context& context, std::int64_t images, DType real);

 private:
  Tensor diagonal_;
};

/// Squared distances of the rows of x (n, D) real from each other, (n, n): |a|^2 + |b|^2 - 2 ab, not below 0.
Variable squared_distances(Context& context, const Variable& x);

}  // namespace tandem
