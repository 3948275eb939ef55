#include "train/finetune/freezing.h"

#include <map>

#include "core/backend/host_copy.h"
#include "layers/freezing.h"
#include "layers/initialise.h"
#include "tests/support/capturing_backend.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "train/loop/step_executor.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;

constexpr TrainedHeads kBoth{true, true};

/// Ten images in steps of two pairs: five steps an epoch.
Epochs ten_images(int count) {
  PairOptions pairs;
  pairs.batch = 2;
  return {PairStream(std::vector<std::int32_t>(10), pairs, 1), count};
}

struct Network {
  std::shared_ptr<Backend> backend = make_cpu_backend();
  TwinTowers model{*backend, DType::f32, {{"resnet18"}, 4, {16, 8}}};

  std::set<std::string> frozen() {
    std::set<std::string> names;
    for (const NamedTensor& p : model.parameters())
      if (!p.parameter->wants_gradient()) names.insert(p.name);
    return names;
  }
  std::string error(const FinetuneOptions& options, const TrainedHeads& heads = kBoth) {
    return error_of([&] { Freezing(model, options, heads, ten_images(4)); });
  }
};

TEST_CASE("parameters train from their epoch on, in whichever order steps are asked for") {
  Network network;
  Freezing freezing(network.model, {{"backbone.*"}, {{1, {"layer4.*"}}, {3, {"*"}}}, false}, kBoth, ten_images(4));
  REQUIRE(freezing.stages().size() == 3);
  CHECK(freezing.stages()[1].first_step == 5);
  CHECK(freezing.stages()[2].first_step == 15);
  CHECK(freezing.apply(0));
  CHECK(network.frozen().size() == 60);
  CHECK_FALSE(network.frozen().contains("fc.bias"));
  CHECK_FALSE(freezing.apply(4));
  CHECK(freezing.apply(5));
  CHECK(network.frozen().size() == 45);
  CHECK(network.frozen().contains("layer3.1.bn2.bias"));
  CHECK_FALSE(network.frozen().contains("layer4.0.downsample.0.weight"));
  CHECK_FALSE(freezing.apply(14));
  CHECK(freezing.apply(15));
  CHECK(network.frozen().empty());
  CHECK(freezing.apply(7));
  CHECK(network.frozen().size() == 45);
  CHECK(freezing.description() ==
        "at first: 6 of 66 tensors are trained, 0.01 M parameters\n"
        "after epoch 1: 21 of 66 tensors are trained, 8.40 M parameters\n"
        "after epoch 3: 66 of 66 tensors are trained, 11.19 M parameters\n");
}

TEST_CASE("without options everything is trained, and nothing is said") {
  Network network;
  Freezing freezing(network.model, {}, kBoth, ten_images(4));
  CHECK(freezing.description().empty());
  freezing.apply(3);
  CHECK(network.frozen().empty());
  CHECK_FALSE(freezing.apply(19));
  Freezing statistics(network.model, {{}, {}, true}, kBoth, ten_images(4));
  CHECK(statistics.description() == "batch norm keeps its running statistics\n");
}

TEST_CASE("a pattern that fits nothing is refused with what there is") {
  Network network;
  CHECK(network.error({{"conv1.*", "layer5.*"}, {}, false}) ==
        "2: /finetune/freeze/1: \"layer5.*\" fits no parameter; expected a pattern of conv1.*, bn1.*, layer1.*, "
        "layer2.*, layer3.*, layer4.*, fc.*, embedding.*, or backbone.* for all but the heads");
  CHECK(contains(network.error({{"conv1.*"}, {{1, {"*", "layr1"}}}, false}),
                 "2: /finetune/unfreeze/0/patterns/1: \"layr1\" fits no parameter; expected"));
  CHECK(contains(network.error({{"conv1.*"}, {{1, {"layer1.*"}}}, false}),
                 "2: /finetune/unfreeze/0/patterns: nothing that is frozen by then fits"));
  CHECK(contains(network.error({{"conv1.*"}, {{1, {"*"}}, {2, {"*"}}}, false}), "2: /finetune/unfreeze/1/patterns: "));
}

TEST_CASE("a run that would train nothing is refused") {
  Network network;
  const std::string nothing = "2: /finetune/freeze: leaves nothing that a loss trains";
  CHECK(contains(network.error({{"*"}, {{1, {"*"}}}, false}), nothing));
  CHECK(contains(network.error({{"backbone.*", "fc.*"}, {}, false}, {true, false}), nothing));
  CHECK(contains(network.error({{"backbone.*", "embedding.*"}, {}, false}, {false, true}), nothing));
  CHECK(network.error({{"backbone.*", "fc.*"}, {}, false}).empty());
}

/// Ten steps of which the sixth and later train everything, on a reference backend.
struct Run {
  std::shared_ptr<test::CapturingBackend> backend = std::make_shared<test::CapturingBackend>();
  TwinTowers model{*backend, DType::f32, {{"resnet18"}, 4, {8}}};
  Sgd optimizer{*backend, model, {0.9, false, 1e-2}};
  TrainingLoss loss{LossOptions()};
  Freezing freezing{model, {{"backbone.*"}, {{1, {"*"}}}, false}, kBoth, ten_images(2)};
  StepExecutor steps;

  explicit Run(bool capture)
      : steps({*backend, DType::f32, true, 2}, model, optimizer, loss, options(capture), StepState()) {
    initialise(*backend, model, 1);
  }
  StepOptions options(bool capture) {
    StepOptions all;
    all.pairs = 2;
    all.size = 8;
    all.synchronous = false;
    all.capture = capture;
    all.drop = {0.3, 0.3};
    all.seed = 5;
    all.before_step = [this](std::int64_t t) { return freezing.apply(t - 1); };
    return all;
  }
  std::vector<double> run(std::int64_t first, std::int64_t last) {
    std::vector<double> losses;
    for (std::int64_t t = first; t <= last; ++t) {
      Batch batch{t - 1, 4, 8, std::vector<std::uint8_t>(4 * 8 * 8 * 3), {0, 1, 0, 3}};
      Random random(static_cast<std::uint64_t>(t), RandomPurpose::test);
      for (auto& pixel : batch.pixels) pixel = static_cast<std::uint8_t>(random.bits());
      steps.submit(batch, 0.01, t);
      steps.finish([&](const LossValues& values) { losses.push_back(values.total); });
    }
    return losses;
  }
  std::map<std::string, std::vector<double>> state() {
    std::map<std::string, std::vector<double>> all;
    for (const NamedTensor& t : model.state()) all[t.name] = download(*backend, t.tensor());
    for (const NamedTensor& t : optimizer.state()) all["optimizer." + t.name] = download(*backend, t.tensor());
    return all;
  }
};

TEST_CASE("a captured step is captured anew when other parameters train, to the same figures") {
  Run captured(true), eager(false);
  CHECK(captured.run(1, 5) == eager.run(1, 5));
  CHECK(captured.backend->captures == 1);
  CHECK(captured.steps.captured());
  CHECK(captured.run(6, 6) == eager.run(6, 6));
  CHECK_FALSE(captured.steps.captured());
  CHECK(captured.run(7, 10) == eager.run(7, 10));
  CHECK(captured.backend->captures == 2);
  CHECK(captured.state() == eager.state());
}

TEST_CASE("what is frozen gets no update and no decay, and its velocity begins at zero") {
  Run run(false);
  const auto before = run.state();
  run.run(1, 5);
  const auto frozen = run.state();
  for (const auto& [name, values] : frozen) {
    INFO(name);
    const bool head = contains(name, "fc.") || contains(name, "embedding.");
    // The contrastive loss is of differences, which the last bias has no part in.
    if (!contains(name, "embedding.0.bias")) CHECK((values == before.at(name)) == !head);
  }
  run.run(6, 6);
  const auto after = run.state();
  for (const char* name : {"conv1.weight", "bn1.running_mean", "layer3.0.bn1.bias", "optimizer.momentum.conv1.weight"})
    CHECK(after.at(name) != frozen.at(name));
}

}  // namespace
}  // namespace tandem
