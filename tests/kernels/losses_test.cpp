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

/// Pairs of embeddings, about as far apart as the margin; sometimes the first pair's are equal.
struct Pairs {
  std::int64_t count, dims;
  Floats a, b;
  Labels labels_a, labels_b;

  explicit Pairs(Draws& draws) : count(draw_rows(draws)), dims(draws.pick({1, 3, 31, 32, 64, 256, 300})) {
    labels_a = draw_labels(draws, count, 12);
    labels_b = labels_a;
    for (std::int32_t& label : labels_b)
      if (draws.one_in(2)) label = (label + 1) % 12;
    a = draws.normals(count * dims);
    b = a;
    const float step = static_cast<float>(draws.pick({1, 10})) * 0.1F / std::sqrt(static_cast<float>(dims));
    for (float& value : b) value += step * draws.normal();
    if (draws.one_in(2)) std::copy_n(a.begin(), dims, b.begin());
  }
};

void compare_contrastive(const Reference& reference, const Pairs& pairs, const ContrastiveOptions& options,
                         const kernels::Queue& queue) {
  const Shape shape{pairs.count, pairs.dims};
  const Floats upstream{0.7F};
  const Tensor a = reference.tensor(shape, pairs.a), b = reference.tensor(shape, pairs.b);
  const Tensor labels_a = reference.labels(pairs.labels_a), labels_b = reference.labels(pairs.labels_b);
  Tensor distance = reference.empty({pairs.count}), loss = reference.empty({1});
  Tensor da = reference.empty(shape), db = reference.empty(shape);
  reference->contrastive_forward(options, a, b, labels_a, labels_b, distance, loss);
  reference->contrastive_backward(options, a, b, labels_a, labels_b, distance, reference.vector(upstream), da, db);

  Array<float> device_a(pairs.a), device_b(pairs.b), device_upstream(upstream);
  Array<std::int32_t> device_labels_a(pairs.labels_a), device_labels_b(pairs.labels_b);
  Array<float> got_distance(pairs.count), got_loss(1), got_da(shape.size()), got_db(shape.size());
  GuardedMemory workspace(kernels::loss_workspace(pairs.count));
  const kernels::ContrastiveShape device_shape{pairs.count, pairs.dims, options.margin,
                                               options.form == ContrastiveForm::legacy};
  kernels::contrastive_forward(queue, device_shape, device_a.data(), device_b.data(), device_labels_a.data(),
                               device_labels_b.data(), got_distance.data(), got_loss.data(), workspace.address());
  kernels::contrastive_backward(queue, device_shape, device_a.data(), device_b.data(), device_labels_a.data(),
                                device_labels_b.data(), got_distance.data(), device_upstream.data(), got_da.data(),
                                got_db.data());
  check_close("distance", got_distance.values(), distance, kTolerance);
  check_close("loss", got_loss.values(), loss, kTolerance);
  check_close("da", got_da.values(), da, kTolerance);
  check_close("db", got_db.values(), db, kTolerance);
  check_intact(got_distance, got_loss, got_da, got_db, workspace);
}

TEST_CASE("both contrastive losses and their gradients agree with the reference, with distances of 0") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    for (const ContrastiveForm form : {ContrastiveForm::hadsell, ContrastiveForm::legacy}) {
      const Pairs pairs(draws);
      const ContrastiveOptions options{static_cast<double>(draws.pick({1, 2, 40})), form};
      CAPTURE(pairs.count, pairs.dims, options.margin, form == ContrastiveForm::legacy);
      compare_contrastive(reference, pairs, options, draws.queue());
    }
  });
}

}  // namespace
}  // namespace tandem::test
