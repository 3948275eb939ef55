#include "layers/losses/pair_loss.h"

#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

/// Three pairs with labels 0 0, 1 2 and 2 1: the first alike, the others not.
struct Batch {
  std::shared_ptr<Backend> backend = make_cpu_backend();
  Variable logits = Variable::with_gradient(test::random_tensor(*backend, {6, 4}, DType::f64, 1));
  Variable embeddings = Variable::with_gradient(test::random_tensor(*backend, {6, 2}, DType::f64, 2));
  Tensor labels = test::label_tensor(*backend, {0, 1, 2, 0, 2, 1});
  Tape tape;
  Context context{*backend, DType::f64, true, 2, &tape};

  PairLosses losses(const PairLossOptions& options) {
    return pair_loss(context, {logits, embeddings}, labels, options);
  }
  double number(const Variable& loss) { return download(*backend, loss.value())[0]; }
};

TEST_CASE("the total is the weighted sum of three losses") {
  Batch batch;
  const PairLosses losses = batch.losses({0.7, 0.0, 0.3, {2.0, ContrastiveForm::hadsell}});
  CHECK(batch.number(losses.total) ==
        Approx(0.7 * batch.number(losses.softmax_a) + 0.7 * batch.number(losses.softmax_b) +
               0.3 * batch.number(losses.contrastive))
            .epsilon(1e-14));
}

TEST_CASE("each tower has the cross-entropy of its own half") {
  Batch batch;
  const PairLosses losses = batch.losses({});
  const std::vector<double> z = download(*batch.backend, batch.logits.value());
  const int labels[] = {0, 1, 2, 0, 2, 1};
  double sums[2] = {0, 0};
  for (std::size_t i = 0; i < 6; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 4; ++k) sum += std::exp(z[4 * i + k]);
    sums[i / 3] += std::log(sum) - z[4 * i + static_cast<std::size_t>(labels[i])];
  }
  CHECK(batch.number(losses.softmax_a) == Approx(sums[0] / 3).epsilon(1e-12));
  CHECK(batch.number(losses.softmax_b) == Approx(sums[1] / 3).epsilon(1e-12));
  CHECK(sums[0] != Approx(sums[1]));
}

TEST_CASE("image i of one tower is paired with image i of the other") {
  Batch batch;
  const std::vector<double> e = download(*batch.backend, batch.embeddings.value());
  const auto distance = [&](std::size_t i) { return std::hypot(e[2 * i] - e[2 * i + 6], e[2 * i + 1] - e[2 * i + 7]); };
  const double margin = 4;
  double hadsell = std::pow(distance(0), 2), legacy = std::pow(distance(0), 2);
  for (const std::size_t i : {1U, 2U}) {
    hadsell += std::pow(std::max(margin - distance(i), 0.0), 2);
    legacy += std::max(margin - std::pow(distance(i), 2), 0.0);
  }
  CHECK(batch.number(batch.losses({0.5, 0, 0.1, {margin, ContrastiveForm::hadsell}}).contrastive) ==
        Approx(hadsell / 6).epsilon(1e-12));
  CHECK(batch.number(batch.losses({0.5, 0, 0.1, {margin, ContrastiveForm::legacy}}).contrastive) ==
        Approx(legacy / 6).epsilon(1e-12));
}

TEST_CASE("smoothed labels change the softmax losses alone") {
  Batch batch;
  const PairLosses plain = batch.losses({}), smooth = batch.losses({0.5, 0.1, 0.1, {}});
  CHECK(batch.number(smooth.softmax_a) != Approx(batch.number(plain.softmax_a)));
  CHECK(batch.number(smooth.softmax_b) != Approx(batch.number(plain.softmax_b)));
  CHECK(batch.number(smooth.contrastive) == batch.number(plain.contrastive));
}

TEST_CASE("a loss of weight zero gives no gradient at all") {
  SECTION("contrastive") {
    Batch batch;
    batch.tape.backward(*batch.backend, batch.losses({0.5, 0, 0, {}}).total);
    CHECK_FALSE(batch.embeddings.gradient().defined());
    CHECK(test::norm(download(*batch.backend, batch.logits.gradient())) > 0);
  }
  SECTION("softmax") {
    Batch batch;
    batch.tape.backward(*batch.backend, batch.losses({0, 0, 0.1, {}}).total);
    CHECK_FALSE(batch.logits.gradient().defined());
    CHECK(test::norm(download(*batch.backend, batch.embeddings.gradient())) > 0);
  }
}

TEST_CASE("without a contrastive loss the embedding head is not trained but the backbone is") {
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, DType::f32, {{"resnet18"}, 4, {16, 8}});
  initialise(*backend, model, 1);
  Tape tape;
  Context context{*backend, DType::f32, true, 2, &tape};
  const TowerOutputs outputs = model.forward(context, test::random_tensor(*backend, {4, 32, 32, 3}, DType::f32, 1));
  PairLossOptions options;
  options.contrastive_weight = 0;
  const PairLosses losses = pair_loss(context, outputs, test::label_tensor(*backend, {0, 1, 2, 3}), options);
  tape.backward(*backend, losses.total);
  for (const NamedTensor& p : model.parameters()) {
    INFO(p.name);
    CHECK(p.parameter->gradient().defined() == !p.name.starts_with("embedding."));
  }
  CHECK(std::isfinite(download(*backend, losses.contrastive.value())[0]));  // still reported
}

TEST_CASE("an odd batch and labels for another batch are refused") {
  Batch batch;
  const auto loss_of = [&](const std::vector<std::int32_t>& labels) {
    return pair_loss(batch.context, {batch.logits, batch.embeddings}, test::label_tensor(*batch.backend, labels), {});
  };
  CHECK_NOTHROW(loss_of({0, 1, 2, 0, 1, 2}));
  CHECK_THROWS_AS(loss_of({0, 1, 2, 0, 1}), Error);
  CHECK_THROWS_AS(loss_of({}), Error);
  CHECK_THROWS_AS(loss_of({0, 1, 2, 0, 1, 2, 3, 3}), Error);
}

TEST_CASE("labels of fewer images than the towers saw are refused") {
  Batch batch;
  CHECK_THROWS_AS(
      pair_loss(batch.context, {batch.logits, batch.embeddings}, test::label_tensor(*batch.backend, {0, 1, 2, 0}), {}),
      Error);
}

}  // namespace
}  // namespace tandem
