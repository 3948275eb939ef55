#include "layers/losses/training_loss.h"

#include "core/backend/host_copy.h"
#include "layers/initialise.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

/// Three pairs with labels 0 0, 1 2 and 2 1: the first alike, the others not.
struct Batch {
  std::shared_ptr<Backend> backend = make_reference_backend();
  Variable logits = Variable::with_gradient(test::random_tensor(*backend, {6, 4}, DType::f64, 1));
  Variable embeddings = Variable::with_gradient(test::random_tensor(*backend, {6, 2}, DType::f64, 2));
  Tensor labels = test::label_tensor(*backend, {0, 1, 2, 0, 2, 1});
  Tape tape;
  Context context{*backend, DType::f64, true, 2, &tape};

  TrainingLoss::Output losses(const LossOptions& options, double matched = 0) {
    const TrainingLoss loss(options);
    return loss.forward(context, {logits, embeddings}, labels,
                        LossWeights(*backend, DType::f64, loss, matched).values());
  }
  double number(const Variable& loss) { return download(*backend, loss.value())[0]; }
  /// The value of a term.
  double number(const TrainingLoss::Output& output, const std::string& name) {
    std::vector<double> all = {number(output.total)};
    for (const Variable& term : output.terms) all.push_back(number(term));
    for (const LossValue& value : TrainingLoss(LossOptions()).values(all).terms)
      if (value.name == name) return value.value;
    fail("no term {}", name);
  }
};

LossOptions with_weights(double softmax, std::optional<double> contrastive) {
  LossOptions options;
  options.softmax.weight = softmax;
  options.contrastive.weight = contrastive;
  return options;
}

TEST_CASE("the total is the weighted sum of three losses") {
  Batch batch;
  LossOptions options = with_weights(0.7, 0.3);
  options.contrastive.margin = 2;
  const auto losses = batch.losses(options);
  CHECK(batch.number(losses.total) ==
        Approx(0.7 * batch.number(losses, "softmax_a") + 0.7 * batch.number(losses, "softmax_b") +
               0.3 * batch.number(losses, "contrastive"))
            .epsilon(1e-14));
}

TEST_CASE("each tower has the cross-entropy of its own half") {
  Batch batch;
  const auto losses = batch.losses({});
  const std::vector<double> z = download(*batch.backend, batch.logits.value());
  const int labels[] = {0, 1, 2, 0, 2, 1};
  double sums[2] = {0, 0};
  for (std::size_t i = 0; i < 6; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 4; ++k) sum += std::exp(z[4 * i + k]);
    sums[i / 3] += std::log(sum) - z[4 * i + static_cast<std::size_t>(labels[i])];
  }
  CHECK(batch.number(losses, "softmax_a") == Approx(sums[0] / 3).epsilon(1e-12));
  CHECK(batch.number(losses, "softmax_b") == Approx(sums[1] / 3).epsilon(1e-12));
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
  const auto contrastive = [&](ContrastiveForm form) {
    LossOptions options;
    options.contrastive = {0.1, margin, form};
    return batch.number(batch.losses(options), "contrastive");
  };
  CHECK(contrastive(ContrastiveForm::hadsell) == Approx(hadsell / 6).epsilon(1e-12));
  CHECK(contrastive(ContrastiveForm::legacy) == Approx(legacy / 6).epsilon(1e-12));
}

TEST_CASE("the softmax losses of mixed images are those of both labels in their shares, and so are the gradients") {
  const std::vector<std::int32_t> others = {1, 3, 2, 2, 0, 1};
  const auto run = [&](const std::vector<std::int32_t>& labels,
                       const std::optional<std::vector<std::int32_t>>& second) {
    Batch batch;
    TowerOutputs outputs{batch.logits, batch.embeddings};
    if (second)
      outputs.mixed = {test::label_tensor(*batch.backend, *second),
                       real_tensor(*batch.backend, DType::f64, {0.7, 0.3})};
    LossOptions options = with_weights(1, 0.0);
    options.softmax.label_smoothing = 0.1;
    const TrainingLoss loss(options);
    const auto output = loss.forward(batch.context, outputs, test::label_tensor(*batch.backend, labels),
                                     LossWeights(*batch.backend, DType::f64, loss, 0).values());
    batch.tape.backward(*batch.backend, output.total);
    std::vector<double> numbers = download(*batch.backend, batch.logits.gradient());
    numbers.push_back(batch.number(output, "softmax_a"));
    numbers.push_back(batch.number(output, "softmax_b"));
    return numbers;
  };
  const std::vector<std::int32_t> own = {0, 1, 2, 0, 2, 1};
  const std::vector<double> mixed = run(own, others), first = run(own, {}), second = run(others, {});
  for (std::size_t i = 0; i < mixed.size(); ++i)
    CHECK(mixed[i] == Approx(0.7 * first[i] + 0.3 * second[i]).epsilon(1e-12).margin(1e-15));
  CHECK(mixed.back() != Approx(first.back()).epsilon(1e-3));
}

TEST_CASE("smoothed labels change the softmax losses alone") {
  Batch batch;
  LossOptions options;
  options.softmax.label_smoothing = 0.1;
  const auto plain = batch.losses({}), smooth = batch.losses(options);
  for (const char* name : {"softmax_a", "softmax_b"})
    CHECK(batch.number(smooth, name) != Approx(batch.number(plain, name)));
  CHECK(batch.number(smooth, "contrastive") == batch.number(plain, "contrastive"));
}

TEST_CASE("a loss of weight zero gives no gradient at all") {
  SECTION("contrastive") {
    Batch batch;
    batch.tape.backward(*batch.backend, batch.losses(with_weights(0.5, 0)).total);
    CHECK_FALSE(batch.embeddings.gradient().defined());
    CHECK(test::norm(download(*batch.backend, batch.logits.gradient())) > 0);
  }
  SECTION("softmax") {
    Batch batch;
    batch.tape.backward(*batch.backend, batch.losses(with_weights(0, 0.1)).total);
    CHECK_FALSE(batch.logits.gradient().defined());
    CHECK(test::norm(download(*batch.backend, batch.embeddings.gradient())) > 0);
  }
}

TEST_CASE("without a contrastive loss the embedding head is not trained but the backbone is") {
  const auto backend = make_reference_backend();
  TwinTowers model(*backend, DType::f32, {{"resnet18"}, 4, {16, 8}});
  initialise(*backend, model, 1);
  Tape tape;
  Context context{*backend, DType::f32, true, 2, &tape};
  const TowerOutputs outputs = model.forward(context, test::random_tensor(*backend, {4, 32, 32, 3}, DType::f32, 1));
  const TrainingLoss loss(with_weights(0.5, 0));
  const auto losses = loss.forward(context, outputs, test::label_tensor(*backend, {0, 1, 2, 3}),
                                   LossWeights(*backend, DType::f32, loss, 0).values());
  tape.backward(*backend, losses.total);
  for (const NamedTensor& p : model.parameters()) {
    INFO(p.name);
    CHECK(p.parameter->gradient().defined() == !p.name.starts_with("embedding."));
  }
  REQUIRE(losses.terms.size() == 3);
  CHECK(std::isfinite(download(*backend, losses.terms[2].value())[0]));  // still reported
}

TEST_CASE("an odd batch and labels for another batch are refused") {
  Batch batch;
  const auto loss_of = [&](const std::vector<std::int32_t>& labels) {
    batch.labels = test::label_tensor(*batch.backend, labels);
    return batch.losses({});
  };
  CHECK_NOTHROW(loss_of({0, 1, 2, 0, 1, 2}));
  CHECK_THROWS_AS(loss_of({0, 1, 2, 0, 1}), Error);
  CHECK_THROWS_AS(loss_of({}), Error);
  CHECK_THROWS_AS(loss_of({0, 1, 2, 0, 1, 2, 3, 3}), Error);
}

TEST_CASE("labels of fewer images than the towers saw are refused") {
  Batch batch;
  batch.labels = test::label_tensor(*batch.backend, {0, 1, 2, 0});
  CHECK_THROWS_AS(batch.losses({}), Error);
}

TEST_CASE("terms have the names that the log and the config give them") {
  std::string names;
  for (const auto& term : make_terms({})) names += term->loss() + "/" + term->name() + " ";
  CHECK(names == "softmax/softmax_a softmax/softmax_b contrastive/contrastive ");
}

TEST_CASE("a summary tells the mean of each loss's terms") {
  const TrainingLoss loss{LossOptions()};
  CHECK(summary(loss.values(std::vector<double>{9, 1, 2, 0.25})) == "softmax 1.5000, contrastive 0.2500");
  CHECK_THROWS_AS(loss.values(std::vector<double>{9, 1, 2}), Error);
}

TEST_CASE("what trains which head is told from the weights") {
  CHECK(trained_heads({}).classifier);
  CHECK(trained_heads({}).embedding);
  CHECK_FALSE(trained_heads(with_weights(0.5, 0)).embedding);
  CHECK_FALSE(trained_heads(with_weights(0, 0.1)).classifier);
  CHECK(trained_heads(with_weights(0.5, std::nullopt)).embedding);
}

TEST_CASE("the weight match_softmax is a moving average of the softmax losses") {
  Batch batch;
  const TrainingLoss loss(with_weights(0.5, std::nullopt));
  CHECK(loss.matches());
  LossWeights weights(*batch.backend, DType::f64, loss, 1.5);
  CHECK(download(*batch.backend, weights.values()) == std::vector<double>{0.5, 0.5, 1.5});
  const auto output = loss.forward(batch.context, {batch.logits, batch.embeddings}, batch.labels, weights.values());
  const double a = batch.number(output, "softmax_a"), b = batch.number(output, "softmax_b");
  CHECK(batch.number(output.total) ==
        Approx(0.5 * a + 0.5 * b + 1.5 * batch.number(output, "contrastive")).epsilon(1e-14));
  weights.update(output);
  CHECK(weights.matched() == Approx(0.99 * 1.5 + 0.01 * (a + b) / 2).epsilon(1e-14));
  CHECK_FALSE(TrainingLoss(LossOptions()).matches());
  CHECK(LossWeights(*batch.backend, DType::f64, TrainingLoss(LossOptions()), 1.5).matched() == 0);
}

/// A term that no config has: the cross-entropy of both towers together.
class JointTerm final : public LossTerm {
 public:
  explicit JointTerm(std::optional<double> weight) : LossTerm("joint", "joint", weight) {}
  TrainedHeads trains() const override { return {.classifier = true}; }
  Variable forward(Context& context, const TowerOutputs& outputs, const Tensor& labels) override {
    return ops::softmax_cross_entropy(context, outputs.logits, labels);
  }
};

TEST_CASE("any list of terms can be weighed, matched and summed up") {
  for (const double weight : {0.0, 2.0}) {
    Batch batch;
    LossTerms terms = make_terms(with_weights(0.5, std::nullopt));
    terms.insert(terms.begin() + 1, std::make_unique<JointTerm>(weight));
    const TrainingLoss loss(std::move(terms));
    LossWeights weights(*batch.backend, DType::f64, loss, 1.5);
    CHECK(download(*batch.backend, weights.values()).size() == (weight == 0 ? 3 : 4));
    const auto output = loss.forward(batch.context, {batch.logits, batch.embeddings}, batch.labels, weights.values());
    REQUIRE(output.terms.size() == 4);
    const auto value = [&](std::size_t i) { return batch.number(output.terms[i]); };
    CHECK(value(1) == Approx((value(0) + value(2)) / 2).epsilon(1e-14));
    CHECK(batch.number(output.total) ==
          Approx(0.5 * value(0) + weight * value(1) + 0.5 * value(2) + 1.5 * value(3)).epsilon(1e-14));
    weights.update(output);
    CHECK(weights.matched() == Approx(0.99 * 1.5 + 0.01 * (value(0) + value(2)) / 2).epsilon(1e-14));
  }
}

}  // namespace
}  // namespace tandem
