#pragma once
// Random regularisation, by factors that activations are multiplied with in training alone:
//
//   dropout           each of the features that the heads see: 0 with probability p, else 1 / (1 - p)
//                     (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014)
//   stochastic depth  the branch of each residual block, for each image: 0 with probability p_i, else 1 / (1 - p_i).
//                     Block i of n, counted from 0, has p_i = p i / (n - 1) (Huang and others 2016; timm's drop_path)
//
// A factor depends on the seed, the step, the batch, the place, and nothing else. They are drawn on the host, so that
// every device has the same, and brought to the device with the batch, where a captured step reads them.

#include <cstdint>
#include <memory>
#include <vector>

#include "core/autograd/context.h"

namespace tandem {

struct DropOptions {
  double dropout = 0;           ///< p of a feature, at least 0 and below 1
  double stochastic_depth = 0;  ///< p of the last block's branch, at least 0 and below 1

  bool any() const { return dropout > 0 || stochastic_depth > 0; }
};

/// What factors are drawn for.
struct DropSizes {
  std::int64_t images = 0;    ///< N
  std::int64_t features = 0;  ///< C
  std::int64_t blocks = 0;    ///< n, the residual blocks
};

/// The factors of batch number `part` of a step: those of each block's branches, (n, N), if there are any, then those
/// of the features, (N, C), if there are any.
std::vector<double> draw_drop_factors(const DropOptions& options, const DropSizes& sizes, std::uint64_t seed,
                                      std::int64_t step, int part = 0);

/// The factors on the device, drawn anew for each step.
class StepDrop {
 public:
  /// The backend must outlive this.
  StepDrop(Backend& backend, DType real, const DropOptions& options, const DropSizes& sizes, std::uint64_t seed);
  /// Queues that factors() are those of batch number `part` of `step`.
  void begin(std::int64_t step, int part = 0);
  const DropFactors& factors() const { return factors_; }

 private:
  DropOptions options_;
  DropSizes sizes_;
  std::uint64_t seed_;
  Tensor all_;
  DropFactors factors_;  // parts of it
  std::unique_ptr<Uploader> up_;
};

}  // namespace tandem
