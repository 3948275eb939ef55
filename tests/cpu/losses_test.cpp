// The losses against their formulas, worked out by hand, and the fused one against its composition.

#include <cmath>

#include "core/ops/arithmetic.h"
#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/ops/tensors.h"

namespace tandem::test {
namespace {

using Numbers = std::vector<double>;

/// A loss and its gradients at some inputs, when `seed` is that of the loss.
struct Outcome {
  double loss;
  std::vector<Numbers> gradients;
};
template <class Loss>
Outcome differentiate(Backend& backend, std::vector<Tensor> values, double seed, const Loss& loss) {
  Tape tape;
  const DType real = values[0].dtype();
  Context context{.backend = backend, .compute = real, .training = true, .tape = &tape};
  std::vector<Variable> inputs;
  for (Tensor& value : values) inputs.push_back(Variable::with_gradient(std::move(value)));
  const Variable y = loss(context, inputs);
  Outcome outcome{values_of(backend, y.value())[0], {}};
  tape.backward(backend, y, tensor(backend, real, {1}, {seed}));
  for (const Variable& input : inputs) outcome.gradients.push_back(values_of(backend, input.gradient()));
  return outcome;
}

/// softmax_cross_entropy without its kernel: -1/N sum q log softmax(z), the targets q (N, K) given.
Variable composed_cross_entropy(Context& context, const Variable& z, const Tensor& targets) {
  const std::int64_t n = z.shape()[0];
  Tensor largest = context.backend.empty({n, 1}, z.value().dtype());
  context.backend.reduce(ReduceOp::max, Over::columns, z.value(), largest);
  const Variable shifted = ops::sub(context, z, largest);  // so that no exponential is too large
  const Variable log_sum = ops::log(context, ops::sum(context, ops::exp(context, shifted), Over::columns));
  const Variable weighted = ops::mul(context, targets, ops::sub(context, shifted, log_sum));
  return ops::scale(context, ops::sum(context, weighted, Over::all), -1.0 / static_cast<double>(n));
}

}  // namespace

TEST_CASE("Softmax cross entropy of known probabilities") {
  // softmax = (1/6, 2/6, 3/6) in the first row, (1/2, 1/4, 1/4) in the second
  const Numbers logits{0, std::log(2), std::log(3), std::log(2), 0, 0};
  const struct {
    double smoothing;
    Numbers targets;
  } rows[] = {{0, {0, 1, 0, 1, 0, 0}}, {0.3, {0.1, 0.8, 0.1, 0.8, 0.1, 0.1}}};
  const Numbers p{1.0 / 6, 1.0 / 3, 0.5, 0.5, 0.25, 0.25};
  for_each_backend([&](Backend& backend, DType real, double tolerance) {
    for (const auto& row : rows) {
      double loss = 0;
      Numbers gradient;
      for (std::size_t i = 0; i < p.size(); ++i) {
        loss -= row.targets[i] * std::log(p[i]) / 2;
        gradient.push_back((p[i] - row.targets[i]) / 2);
      }
      Tensor got_loss = backend.empty({1}, real), got_gradient = backend.empty({2, 3}, real);
      backend.softmax_cross_entropy(tensor(backend, real, {2, 3}, logits), labels(backend, {1, 0}), row.smoothing,
                                    got_loss, got_gradient);
      CHECK(largest_difference(values_of(backend, got_loss), {loss}) < tolerance);
      CHECK(largest_difference(values_of(backend, got_gradient), gradient) < tolerance);
    }
  });
}

TEST_CASE("Softmax cross entropy of huge logits stays finite") {
  for_each_backend([](Backend& backend, DType real, double tolerance) {
    Tensor loss = backend.empty({1}, real), gradient = backend.empty({2, 2}, real);
    backend.softmax_cross_entropy(tensor(backend, real, {2, 2}, {1000, -1000, 1000, -1000}), labels(backend, {0, 1}), 0,
                                  loss, gradient);
    CHECK(largest_difference(values_of(backend, loss), {1000}) < 1000 * tolerance);
    CHECK(largest_difference(values_of(backend, gradient), {0, 0, 0.5, -0.5}) < tolerance);
  });
}

TEST_CASE("The fused softmax cross entropy is the one composed of arithmetic") {
  constexpr std::int64_t kRows = 7, kClasses = 12;
  Random random(4, RandomPurpose::test);
  for_each_backend([&](Backend& backend, DType real, double tolerance) {
    for (const double smoothing : {0.0, 0.1})
      for (const double deviation : {1.0, 20.0}) {
        Numbers logits, targets(kRows * kClasses, smoothing / kClasses);
        std::vector<std::int32_t> of_rows;
        for (std::int64_t i = 0; i < kRows * kClasses; ++i)
          logits.push_back(deviation * static_cast<double>(random.normal()));
        for (std::int64_t row = 0; row < kRows; ++row) {
          of_rows.push_back(static_cast<std::int32_t>(random.below(kClasses)));
          targets[static_cast<std::size_t>(row * kClasses + of_rows.back())] += 1 - smoothing;
        }
        const Shape shape{kRows, kClasses};
        const Tensor z = tensor(backend, real, shape, logits), classes = labels(backend, of_rows),
                     q = tensor(backend, real, shape, targets);
        const Outcome fused = differentiate(backend, {z}, 0.3, [&](Context& context, const auto& in) {
          return ops::softmax_cross_entropy(context, in[0], classes, smoothing);
        });
        const Outcome composed = differentiate(backend, {z}, 0.3, [&](Context& context, const auto& in) {
          return composed_cross_entropy(context, in[0], q);
        });
        CAPTURE(smoothing, deviation, real);
        CHECK(fused.loss == Approx(composed.loss).epsilon(tolerance));
        CHECK(largest_difference(fused.gradients[0], composed.gradients[0]) < tolerance);
      }
  });
}

TEST_CASE("Contrastive loss and gradient of known pairs") {
  // Distances: 5 with equal labels; 0.5 within the margin; 2 beyond it; 0 with different labels; 0 with equal ones.
  const Numbers a{3, 4, 0.3, 0.4, 0, 2, 1, 1, 1, 1}, b{0, 0, 0, 0, 0, 0, 1, 1, 1, 1};
  const double pairs = 5, guard = 1e-4, dloss = 0.1;
  const struct {
    ContrastiveForm form;
    double loss, factor;  ///< the second pair's gradient is factor * (a - b) / P
  } rows[] = {{ContrastiveForm::hadsell, (25 + 0.25 + 0 + 1 + 0) / (2 * pairs), -(1 - 0.5) / (0.5 + guard)},
              {ContrastiveForm::legacy, (25 + 0.75 + 0 + 1 + 0) / (2 * pairs), -1}};
  for_each_backend([&](Backend& backend, DType real, double tolerance) {
    for (const auto& row : rows) {
      const Tensor labels_a = labels(backend, {7, 1, 1, 1, 3}), labels_b = labels(backend, {7, 2, 2, 2, 3});
      const Outcome got =
          differentiate(backend, {tensor(backend, real, {5, 2}, a), tensor(backend, real, {5, 2}, b)}, dloss,
                        [&](Context& context, const auto& in) {
                          return ops::contrastive(context, in[0], in[1], labels_a, labels_b, {1, row.form});
                        });
      CHECK(got.loss == Approx(row.loss).epsilon(tolerance));
      Numbers expected{3, 4, row.factor * 0.3, row.factor * 0.4, 0, 0, 0, 0, 0, 0};
      for (double& g : expected) g *= dloss / pairs;
      CHECK(largest_difference(got.gradients[0], expected) < tolerance);
      for (double& g : expected) g = -g;
      CHECK(largest_difference(got.gradients[1], expected) < tolerance);
    }
  });
}

}  // namespace tandem::test
