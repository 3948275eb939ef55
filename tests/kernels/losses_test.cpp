#include "cuda/kernels/losses.h"

#include "tests/kernels/comparison.h"

namespace tandem::test {
namespace {

namespace kernels = cuda::kernels;
using Labels = std::vector<std::int32_t>;

constexpr std::uint32_t kCases = 100;
constexpr double kTolerance = 1e-6;

std::int64_t draw_rows(Draws& draws) { return draws.pick({1, 3, 8, 33, 100}); }

Labels draw_labels(Draws& draws, std::int64_t rows, std::int64_t classes) {
  Labels labels(static_cast<std::size_t>(rows));
  for (std::int32_t& label : labels) label = static_cast<std::int32_t>(draws.below(classes));
  return labels;
}

/// Logits far apart, as late in a training, or with a class that cannot be.
Floats draw_logits(Draws& draws, const Labels& labels, std::int64_t classes, bool impossible_class) {
  const auto rows = static_cast<std::int64_t>(labels.size());
  Floats logits = draws.normals(rows * classes, Element::f32, 0, 3);
  const auto at = [&](std::int64_t row, std::int64_t label) -> float& {
    return logits[static_cast<std::size_t>(row * classes + label)];
  };
  if (draws.one_in(2))
    for (std::int64_t row = 0; row < rows; ++row) at(row, labels[static_cast<std::size_t>(row)]) += 25;
  if (impossible_class) at(0, (labels[0] + 1) % classes) = -INFINITY;
  return logits;
}

TEST_CASE("the softmax loss and its gradient agree with the reference, with sure and with impossible classes") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    const std::int64_t rows = draw_rows(draws), classes = draws.pick({1, 2, 12, 31, 32, 33, 70, 1000});
    const double smoothing = draws.one_in(2) ? 0.1 : 0;
    CAPTURE(rows, classes, smoothing);
    const Labels labels = draw_labels(draws, rows, classes);
    const Floats logits = draw_logits(draws, labels, classes, smoothing == 0 && classes > 2 && draws.one_in(3));
    Tensor loss = reference.empty({1}), gradient = reference.empty({rows, classes});
    reference->softmax_cross_entropy(reference.tensor({rows, classes}, logits), reference.labels(labels), smoothing,
                                     loss, gradient);

    Array<float> device_logits(logits), got_loss(1), got_gradient(rows * classes);
    Array<std::int32_t> device_labels(labels);
    GuardedMemory workspace(kernels::loss_workspace(rows));
    kernels::softmax_cross_entropy(draws.queue(), device_logits.data(), device_labels.data(), rows, classes, smoothing,
                                   got_loss.data(), got_gradient.data(), workspace.address());
    check_close("loss", got_loss.values(), loss, kTolerance);
    check_close("gradient", got_gradient.values(), gradient, kTolerance);
    check_intact(got_loss, got_gradient, workspace);
  });
}

}  // namespace
}  // namespace tandem::test
