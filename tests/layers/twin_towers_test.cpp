#include "layers/twin_towers.h"

#include <map>

#include "tests/layers/losses/default_loss.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using Figures = std::map<std::string, std::vector<double>>;

/// The two streams as one batch in two groups or in one, or one after the other.
enum class Towers { per_tower, joint, a_then_b, b_then_a };

/// What a training step computes, by name.
struct Outcome {
  Figures outputs, gradients, running;
};

std::vector<double> joined(std::vector<double> a, const std::vector<double>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A pair of networks, images and labels, always the same ones, in f64.
class Job {
 public:
  Job(const std::string& arch, std::int64_t size, std::int64_t pairs)
      : backend_(make_reference_backend()), model_(*backend_, DType::f64, {{arch}, 5, {16, 8}}), pairs_(pairs) {
    images_ = test::random_tensor(*backend_, {2 * pairs, size, size, 3}, DType::f64, 3);
    std::vector<std::int32_t> labels;
    for (std::int64_t i = 0; i < 2 * pairs; ++i) labels.push_back(static_cast<std::int32_t>(i % pairs + (i == pairs)));
    labels_ = test::label_tensor(*backend_, labels);
  }

  Outcome run(Towers towers) {
    initialise(*backend_, model_, 7);
    for (const NamedTensor& p : model_.parameters()) p.parameter->slot()->take();
    Tape tape;
    Context context{*backend_, DType::f64, true, towers == Towers::per_tower ? 2 : 1, &tape};
    Outcome outcome;
    const bool stacked = towers == Towers::per_tower || towers == Towers::joint;
    const Variable loss = stacked ? stacked_loss(context, outcome) : separate_loss(context, towers, outcome);
    tape.backward(*backend_, loss);
    for (const NamedTensor& t : model_.state()) {
      if (t.parameter)
        outcome.gradients[t.name] = download(*backend_, t.parameter->gradient());
      else
        outcome.running[t.name] = download(*backend_, t.tensor());
    }
    return outcome;
  }

 private:
  Variable stacked_loss(Context& context, Outcome& outcome) {
    const TowerOutputs both = model_.forward(context, images_);
    outcome.outputs["logits"] = download(*backend_, both.logits.value());
    outcome.outputs["embeddings"] = download(*backend_, both.embeddings.value());
    return test::default_loss(context, both, labels_);
  }

  Variable separate_loss(Context& context, Towers towers, Outcome& outcome) {
    const Tensor images_a = images_.rows(0, pairs_), images_b = images_.rows(pairs_, 2 * pairs_);
    const Tensor labels_a = labels_.rows(0, pairs_), labels_b = labels_.rows(pairs_, 2 * pairs_);
    const TrainingLoss loss{LossOptions()};
    TowerOutputs a, b;
    if (towers == Towers::a_then_b) a = model_.forward(context, images_a);
    b = model_.forward(context, images_b);
    if (towers == Towers::b_then_a) a = model_.forward(context, images_a);
    const auto both = [&](const Variable& of_a, const Variable& of_b) {
      return joined(download(*backend_, of_a.value()), download(*backend_, of_b.value()));
    };
    outcome.outputs["logits"] = both(a.logits, b.logits);
    outcome.outputs["embeddings"] = both(a.embeddings, b.embeddings);
    return ops::weighted_sum(context,
                             {ops::softmax_cross_entropy(context, a.logits, labels_a),
                              ops::softmax_cross_entropy(context, b.logits, labels_b),
                              ops::contrastive(context, a.embeddings, b.embeddings, labels_a, labels_b, {})},
                             LossWeights(context.backend, context.param_dtype(), loss, 0).values());
  }

  std::shared_ptr<Backend> backend_;
  TwinTowers model_;
  std::int64_t pairs_;
  Tensor images_, labels_;
};

/// The largest deviation of any named figure.
double largest_deviation(const Figures& got, const Figures& want) {
  if (got.size() != want.size()) return INFINITY;
  double largest = 0;
  for (const auto& [name, values] : want)
    largest = std::max(largest, got.contains(name) ? test::deviation(got.at(name), values) : INFINITY);
  return largest;
}

void check_equal(const Outcome& got, const Outcome& want) {
  CHECK(largest_deviation(got.outputs, want.outputs) < 1e-10);
  CHECK(largest_deviation(got.gradients, want.gradients) < 1e-10);
  CHECK(largest_deviation(got.running, want.running) < 1e-10);
}

TEST_CASE("stacked towers of basic blocks equal two runs of the backbone with gradients added") {
  Job job("resnet18", 36, 3);
  check_equal(job.run(Towers::per_tower), job.run(Towers::a_then_b));
}

TEST_CASE("stacked towers of bottlenecks equal two runs of the backbone with gradients added") {
  Job job("resnet50", 33, 2);
  check_equal(job.run(Towers::per_tower), job.run(Towers::a_then_b));
}

TEST_CASE("the order of the towers shows in the running statistics alone") {
  Job job("resnet18", 33, 2);
  const Outcome stacked = job.run(Towers::per_tower), reversed = job.run(Towers::b_then_a);
  CHECK(largest_deviation(stacked.outputs, reversed.outputs) < 1e-10);
  CHECK(largest_deviation(stacked.gradients, reversed.gradients) < 1e-10);
  CHECK(largest_deviation(stacked.running, reversed.running) > 1e-3);
}

TEST_CASE("joint towers differ from separate ones") {
  Job job("resnet18", 33, 2);
  const Outcome stacked = job.run(Towers::per_tower), joint = job.run(Towers::joint);
  CHECK(largest_deviation(joint.outputs, stacked.outputs) > 1e-2);
  CHECK(largest_deviation(joint.gradients, stacked.gradients) > 1e-2);
  CHECK(largest_deviation(joint.running, stacked.running) > 1e-2);
}

/// Mean and unbiased variance of each channel over rows [begin, end) of x (N, H, W, C).
struct Moments {
  std::vector<double> mean, var;
};
Moments moments(Backend& backend, const Tensor& x, std::int64_t begin, std::int64_t end) {
  const std::vector<double> values = download(backend, x.rows(begin, end));
  const auto channels = static_cast<std::size_t>(x.dim(3));
  const auto n = static_cast<double>(values.size() / channels);
  Moments m{std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t i = 0; i < values.size(); ++i) m.mean[i % channels] += values[i] / n;
  for (std::size_t i = 0; i < values.size(); ++i)
    m.var[i % channels] += std::pow(values[i] - m.mean[i % channels], 2) / (n - 1);
  return m;
}

/// The first batch norm's running statistics after one step over two pairs, from its input by the formula.
Moments expected_running(Backend& backend, const Tensor& x, std::int64_t groups) {
  const auto channels = static_cast<std::size_t>(x.dim(3));
  Moments running{std::vector<double>(channels, 0.0), std::vector<double>(channels, 1.0)};
  const std::int64_t each = x.dim(0) / groups;
  for (std::int64_t g = 0; g < groups; ++g) {
    const Moments batch = moments(backend, x, g * each, (g + 1) * each);
    for (std::size_t c = 0; c < channels; ++c) {
      running.mean[c] = 0.9 * running.mean[c] + 0.1 * batch.mean[c];
      running.var[c] = 0.9 * running.var[c] + 0.1 * batch.var[c];
    }
  }
  return running;
}

TEST_CASE("each tower or both together are normalised by their own statistics") {
  const auto backend = make_reference_backend();
  const Tensor images = test::random_tensor(*backend, {4, 32, 32, 3}, DType::f64, 5);
  for (const std::int64_t groups : {1, 2}) {
    CAPTURE(groups);
    TwinTowers model(*backend, DType::f64, {{"resnet18"}, 3, {4}});
    initialise(*backend, model, 1);
    Context context{*backend, DType::f64, true, groups};
    model.forward(context, images);
    std::map<std::string, Tensor> state;
    for (const NamedTensor& t : model.state()) state[t.name] = t.tensor();
    const Variable x = ops::conv2d(context, images, state["conv1.weight"], {2, 3});
    const Moments expected = expected_running(*backend, x.value(), groups);
    CHECK(test::deviation(download(*backend, state["bn1.running_mean"]), expected.mean) < 1e-12);
    CHECK(test::deviation(download(*backend, state["bn1.running_var"]), expected.var) < 1e-12);
  }
}

TEST_CASE("a batch that does not make two equal towers is refused") {
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, DType::f32, {{"resnet18"}, 3, {4}});
  initialise(*backend, model, 1);
  Context context{*backend, DType::f32, true, 2};
  CHECK_THROWS_AS(model.forward(context, test::random_tensor(*backend, {3, 32, 32, 3}, DType::f32, 1)), Error);
}

TEST_CASE("an embedding head has the widths that were asked for") {
  const auto backend = make_cpu_backend();
  Context context{*backend, DType::f32};
  const Tensor features = test::random_tensor(*backend, {3, 10}, DType::f32, 1);

  EmbeddingHead single(*backend, DType::f32, 10, {6});
  initialise(*backend, single, 1);
  CHECK(single.parameters().size() == 2);
  CHECK(single.forward(context, features).shape() == Shape{3, 6});

  EmbeddingHead deep(*backend, DType::f32, 10, {8, 7, 6});
  initialise(*backend, deep, 1);
  std::vector<std::string> names;
  for (const NamedTensor& p : deep.parameters()) names.push_back(p.name);
  CHECK(names == std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"});
  CHECK(deep.forward(context, features).shape() == Shape{3, 6});

  CHECK_THROWS_AS(EmbeddingHead(*backend, DType::f32, 10, {}), Error);
}

TEST_CASE("an embedding head has ReLU between its layers and none behind the last") {
  const auto backend = make_reference_backend();
  Context context{*backend, DType::f64};
  EmbeddingHead head(*backend, DType::f64, 1, {2, 1});
  // x to (x, -x), then to -(max(x, 0) + max(-x, 0)) = -|x|.
  const std::map<std::string, std::vector<float>> weights{
      {"0.weight", {1, -1}}, {"0.bias", {0, 0}}, {"2.weight", {-1, -1}}, {"2.bias", {0}}};
  for (const NamedTensor& p : head.parameters()) upload(*backend, weights.at(p.name), p.tensor());
  Tensor x = backend->empty({3, 1}, DType::f64);
  upload(*backend, {-2, 0, 3}, x);
  CHECK(download(*backend, head.forward(context, x).value()) == std::vector<double>{-2, 0, -3});
}

}  // namespace
}  // namespace tandem
