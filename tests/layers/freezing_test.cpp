#include "layers/freezing.h"

#include <map>

#include "layers/parameter_pattern.h"
#include "tests/layers/losses/default_loss.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using Figures = std::map<std::string, std::vector<double>>;

std::set<std::string> fitting(Module& network, const std::vector<std::string>& patterns) {
  std::set<std::string> names;
  for (const std::string& pattern : patterns)
    for (std::string& name : parameters_that_fit(network, pattern)) names.insert(std::move(name));
  return names;
}

/// What a step on a fixed batch computes, in f64.
struct Step {
  std::vector<double> logits;
  Figures gradients, running;  // gradients of the parameters that have one
  std::size_t rules = 0;       // on the tape
  std::size_t held = 0;        // bytes, between forward and backward
};

class Job {
 public:
  explicit Job(const std::string& arch = "resnet18")
      : backend_(make_reference_backend()), model_(*backend_, DType::f64, {{arch}, 5, {8}}) {
    images_ = test::random_tensor(*backend_, {4, 36, 36, 3}, DType::f64, 3);
    labels_ = test::label_tensor(*backend_, {0, 1, 0, 3});
    start();
  }

  /// Random weights, and running statistics that differ from the batch's.
  void start() {
    initialise(*backend_, model_, 7);
    std::uint64_t seed = 1;
    for (const NamedTensor& t : model_.state()) {
      if (t.parameter) continue;
      Random random(seed++, RandomPurpose::test);
      std::vector<double> values(static_cast<std::size_t>(t.tensor().size()));
      const bool variance = t.name.ends_with("running_var");
      for (double& v : values)
        v = static_cast<double>(variance ? random.uniform(0.5F, 1.5F) : random.uniform(-0.2F, 0.2F));
      upload_real(*backend_, values, t.tensor());
    }
  }

  Step run() {
    start();
    Step step;
    Tape tape;
    Context context{*backend_, DType::f64, true, 2, &tape};
    const std::size_t before = backend_->memory().in_use;
    const TowerOutputs outputs = model_.forward(context, images_);
    const Variable loss = test::default_loss(context, outputs, labels_);
    step.rules = tape.size();
    step.held = backend_->memory().in_use - before;
    tape.backward(*backend_, loss);
    step.logits = download(*backend_, outputs.logits.value());
    for (const NamedTensor& t : model_.state()) {
      if (!t.parameter)
        step.running[t.name] = download(*backend_, t.tensor());
      else if (t.parameter->wants_gradient() && t.parameter->gradient())
        step.gradients[t.name] = download(*backend_, t.parameter->slot()->take());
    }
    return step;
  }

  /// The logits that an evaluation would have.
  std::vector<double> evaluate() {
    start();
    Context context{*backend_, DType::f64};
    return download(*backend_, model_.forward(context, images_).logits.value());
  }

  Figures running() {
    start();
    Figures all;
    for (const NamedTensor& t : model_.state())
      if (!t.parameter) all[t.name] = download(*backend_, t.tensor());
    return all;
  }

  TwinTowers& model() { return model_; }

 private:
  std::shared_ptr<Backend> backend_;
  TwinTowers model_;
  Tensor images_, labels_;
};

TEST_CASE("patterns name parameters, and the backbone's all have another name") {
  Job job;
  TwinTowers& model = job.model();
  CHECK(parameters_that_fit(model, "layer1.0.bn?.bias") ==
        std::vector<std::string>{"layer1.0.bn1.bias", "layer1.0.bn2.bias"});
  CHECK(parameters_that_fit(model, "fc.*") == std::vector<std::string>{"fc.weight", "fc.bias"});
  CHECK(parameters_that_fit(model, "backbone.fc.*").empty());
  CHECK(parameters_that_fit(model, "backbone.layer4.1.*") == parameters_that_fit(model, "layer4.1.*"));
  CHECK(parameters_that_fit(model, "backbone.*").size() == 60);  // torchvision's 62 without fc's
  CHECK(parameters_that_fit(model, "*").size() == 64);
  CHECK(parameters_that_fit(model, "*running*").empty());
  CHECK(known_parameters(model.parameters()) ==
        "conv1.*, bn1.*, layer1.*, layer2.*, layer3.*, layer4.*, fc.*, embedding.*");
}

TEST_CASE("a frozen backbone computes what an evaluation computes, and its statistics stay as they are") {
  Job job;
  const std::vector<double> evaluated = job.evaluate();
  const Figures running = job.running();
  freeze(job.model(), fitting(job.model(), {"backbone.*"}));
  const Step step = job.run();
  CHECK(test::deviation(step.logits, evaluated) < 1e-10);
  CHECK(step.running == running);
  CHECK(step.gradients.size() == 4);
  CHECK(step.gradients.contains("fc.weight"));
  CHECK(step.gradients.contains("embedding.0.bias"));
}

TEST_CASE("what is above frozen stages gets the gradient that it has when they are trained but for their batch norms") {
  // Then the statistics are the same, but every convolution has a gradient, so that nothing is folded or left out.
  const std::vector<std::string> frozen = {"conv1.*", "bn1.*", "layer1.*", "layer2.*", "layer3.*"};
  for (const char* arch : {"resnet18", "resnet50"}) {
    INFO(arch);
    Job whole(arch), part(arch);
    std::set<std::string> norms = fitting(whole.model(), {"bn1.*"});
    for (const char* stage : {"layer1", "layer2", "layer3"})
      for (const char* norm : {".*.bn?.*", ".*.downsample.1.*"})
        norms.merge(fitting(whole.model(), {std::string(stage) + norm}));
    freeze(whole.model(), norms);
    freeze(part.model(), fitting(part.model(), frozen));
    const Step expected = whole.run(), got = part.run();
    CHECK(test::deviation(got.logits, expected.logits) < 1e-10);
    CHECK(got.gradients.size() == (arch == std::string("resnet18") ? 19 : 34));
    for (const auto& [name, gradient] : got.gradients) {
      INFO(name);
      CHECK(test::deviation(gradient, expected.gradients.at(name)) < 1e-9);
    }
    for (const auto& [name, values] : got.running) {
      INFO(name);
      CHECK(test::deviation(values, expected.running.at(name)) < 1e-10);
    }
    CHECK(got.running.at("layer3.1.bn2.running_var") == part.running().at("layer3.1.bn2.running_var"));
    CHECK(got.running.at("layer4.0.bn1.running_var") != part.running().at("layer4.0.bn1.running_var"));
    CHECK(test::norm(got.gradients.at("layer4.0.conv1.weight")) > 1e-3);
    CHECK(got.rules < expected.rules * 2 / 3);
  }
}

TEST_CASE("nothing is kept below the lowest trained layer") {
  Job whole, heads;
  freeze(heads.model(), fitting(heads.model(), {"backbone.*"}));
  const Step all = whole.run(), few = heads.run();
  CHECK(few.rules < 30);  // of the heads and the losses
  CHECK(few.held < all.held / 50);
  // One trained weight at the bottom, and everything above it must be kept.
  Job bottom;
  std::set<std::string> names = fitting(bottom.model(), {"*"});
  names.erase("conv1.weight");
  freeze(bottom.model(), names);
  const Step lowest = bottom.run();
  CHECK(lowest.gradients.size() == 1);
  CHECK(lowest.rules > all.rules - 10);
}

TEST_CASE("a frozen batch norm in the middle passes the gradient on, and one with a trained parameter is none") {
  Job job;
  freeze(job.model(), {"layer2.0.bn1.weight", "layer2.0.bn1.bias", "layer3.0.bn1.weight"});
  const Step step = job.run();
  const Figures before = job.running();
  CHECK(step.gradients.size() == 61);
  CHECK(step.running.at("layer2.0.bn1.running_mean") == before.at("layer2.0.bn1.running_mean"));
  CHECK(step.running.at("layer3.0.bn1.running_mean") != before.at("layer3.0.bn1.running_mean"));
}

TEST_CASE("fixed statistics do not change, and the batch norms' parameters train") {
  Job job;
  const std::vector<double> evaluated = job.evaluate();
  freeze(job.model(), {}, true);
  const Step step = job.run();
  CHECK(test::deviation(step.logits, evaluated) < 1e-10);
  CHECK(step.running == job.running());
  CHECK(step.gradients.size() == 64);
  CHECK(test::norm(step.gradients.at("bn1.weight")) > 0);
}

TEST_CASE("what is unfrozen is as if it never had been frozen") {
  Job job, never;
  freeze(job.model(), fitting(job.model(), {"*conv*", "*bn*"}), true);
  job.run();
  freeze(job.model(), {});
  const Step got = job.run(), expected = never.run();
  CHECK(got.logits == expected.logits);
  CHECK(got.gradients == expected.gradients);
  CHECK(got.running == expected.running);
}

}  // namespace
}  // namespace tandem
