// The losses against their formulas, worked out by hand.

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/tensors.h"

namespace tandem::test {
namespace {

using Numbers = std::vector<double>;

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
      const ContrastiveOptions options{1, row.form};
      const Tensor x = tensor(backend, real, {5, 2}, a), y = tensor(backend, real, {5, 2}, b);
      const Tensor labels_x = labels(backend, {7, 1, 1, 1, 3}), labels_y = labels(backend, {7, 2, 2, 2, 3});
      Tensor distance = backend.empty({5}, real), loss = backend.empty({1}, real);
      backend.contrastive_forward(options, x, y, labels_x, labels_y, distance, loss);
      CHECK(largest_difference(values_of(backend, distance), {5, 0.5, 2, 0, 0}) < tolerance);
      CHECK(largest_difference(values_of(backend, loss), {row.loss}) < tolerance);

      Tensor da = backend.empty({5, 2}, real), db = backend.empty({5, 2}, real);
      backend.contrastive_backward(options, x, y, labels_x, labels_y, distance, tensor(backend, real, {1}, {dloss}), da,
                                   db);
      Numbers expected{3, 4, row.factor * 0.3, row.factor * 0.4, 0, 0, 0, 0, 0, 0};
      for (double& g : expected) g *= dloss / pairs;
      CHECK(largest_difference(values_of(backend, da), expected) < tolerance);
      for (double& g : expected) g = -g;
      CHECK(largest_difference(values_of(backend, db), expected) < tolerance);
    }
  });
}

}  // namespace tandem::test
