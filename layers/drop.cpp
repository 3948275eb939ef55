#include "layers/drop.h"

#include <algorithm>

#include "core/backend/host_copy.h"
#include "core/base/rng.h"

namespace tandem {
namespace {

/// The rate of a block's branch.
double branch_rate(double last, std::int64_t block, std::int64_t blocks) {
  return last * static_cast<double>(block) / static_cast<double>(std::max<std::int64_t>(blocks - 1, 1));
}

/// Appends n factors: 0 at `rate`.
void draw(double rate, std::int64_t n, Random random, std::vector<double>& factors) {
  const double kept = 1 / (1 - rate);
  for (std::int64_t i = 0; i < n; ++i) factors.push_back(static_cast<double>(random.uniform()) < rate ? 0 : kept);
}

}  // namespace

std::vector<double> draw_drop_factors(const DropOptions& options, const DropSizes& sizes, std::uint64_t seed,
                                      std::int64_t step, int part) {
  constexpr std::int64_t kStreams = 4096;  // of a batch: more than there are blocks
  const auto random = [&](std::int64_t stream, std::int64_t index) {
    return Random(seed, RandomPurpose::drop, static_cast<std::uint32_t>(step),
                  static_cast<std::uint32_t>(part * kStreams + stream), static_cast<std::uint32_t>(index));
  };
  std::vector<double> factors;
  if (options.stochastic_depth > 0)
    for (std::int64_t block = 0; block < sizes.blocks; ++block)
      draw(branch_rate(options.stochastic_depth, block, sizes.blocks), sizes.images, random(1 + block, 0), factors);
  if (options.dropout > 0)
    for (std::int64_t image = 0; image < sizes.images; ++image)
      draw(options.dropout, sizes.features, random(0, image), factors);
  return factors;
}

StepDrop::StepDrop(Backend& backend, DType real, const DropOptions& options, const DropSizes& sizes, std::uint64_t seed)
    : options_(options), sizes_(sizes), seed_(seed) {
  const std::int64_t branches = options.stochastic_depth > 0 ? sizes.blocks : 0, of_branches = branches * sizes.images,
                     of_features = options.dropout > 0 ? sizes.images * sizes.features : 0;
  all_ = backend.empty({of_branches + of_features}, real);
  for (std::int64_t block = 0; block < branches; ++block)
    factors_.branches.push_back(branch_rate(options.stochastic_depth, block, branches) > 0
                                    ? all_.rows(block * sizes.images, (block + 1) * sizes.images)
                                    : Tensor());
  if (of_features > 0)
    factors_.features = all_.rows(of_branches, of_branches + of_features).reshape({sizes.images, sizes.features});
  up_ = backend.make_uploader(all_.bytes());
}

void StepDrop::begin(std::int64_t step, int part) {
  up_->begin(bytes_of(draw_drop_factors(options_, sizes_, seed_, step, part), all_.dtype()).data(), all_.bytes());
  up_->finish(all_);
}

}  // namespace tandem
