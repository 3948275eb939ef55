#include "bench/fixture.h"

#include <fstream>
#include <functional>
#include <set>

#include "bench/formula.h"
#include "layers/twin_towers.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using nlohmann::json;

constexpr const char* kResNet18 = "resnet18_32px_6pairs_separate";
constexpr const char* kSeparate = "resnet50_64px_4pairs_separate";
constexpr const char* kStacked = "resnet50_64px_4pairs_stacked";
constexpr const char* kGroups = "resnext50_32x4d_48px_3pairs_separate";
// timm's: a deep stem, and pooled shortcuts, which 40 pixels cut.
constexpr const char* kDeep = "resnet26d_40px_3pairs_separate";

json read_fixture(const std::string& name) {
  std::ifstream file(std::string(TANDEM_TEST_DATA) + "/bench/fixtures/" + name + ".json");
  REQUIRE(file);
  return json::parse(file);
}

FixtureResult run(const json& fixture, DType compute) {
  const auto backend = compute == DType::f64 ? make_reference_backend() : make_cpu_backend();
  return run_fixture(*backend, compute, fixture);
}

/// Written so that a NaN fails.
void check(const Deviation& deviation, double limit) {
  INFO(deviation.where << " deviates by " << deviation.value);
  CHECK_FALSE(deviation.where.empty());
  CHECK(deviation.value <= limit);
}

void check_f64(const std::string& name) {
  const FixtureResult result = run(read_fixture(name), DType::f64);
  check(result.losses, 1e-7);
  check(result.first_losses, 1e-7);
  check(result.grads, 1e-7);
  check(result.after_step0, 1e-7);
  check(result.eval_after, 1e-7);
}

void check_f32(const std::string& name, double most_of_gradients = 1e-2) {
  const FixtureResult result = run(read_fixture(name), DType::f32);
  check(result.first_losses, 1e-4);
  check(result.grads, most_of_gradients);
  check(result.after_step0, 1e-3);
  // From the second step on rounding decides which side of a ReLU some activations fall on, so the runs part: PyTorch's
  // own f32 run deviates from its f64 run by 1.7e-4 here.
  check(result.losses, 5e-2);
}

void check_bf16(const std::string& name) {
  if (!make_cpu_backend()->supports(DType::bf16)) TANDEM_SKIP("this processor has no bf16 instructions");
  check(run(read_fixture(name), DType::bf16).first_losses, 2e-2);
}

TEST_CASE("ResNet-18 agrees with PyTorch in f64") { check_f64(kResNet18); }
TEST_CASE("ResNet-50 with separate towers agrees with PyTorch in f64", "[slow]") { check_f64(kSeparate); }
TEST_CASE("ResNet-50 with joint towers agrees with PyTorch in f64", "[slow]") { check_f64(kStacked); }
TEST_CASE("ResNeXt-50 agrees with PyTorch in f64", "[slow]") { check_f64(kGroups); }
TEST_CASE("ResNet-26-D agrees with PyTorch in f64", "[slow]") { check_f64(kDeep); }

TEST_CASE("ResNet-18 agrees with PyTorch in f32") { check_f32(kResNet18); }
// Here PyTorch's own f32 gradients deviate from its f64 ones by 6e-3, and ours by 1.1e-2.
TEST_CASE("ResNeXt-50 agrees with PyTorch in f32") { check_f32(kGroups, 3e-2); }
TEST_CASE("ResNet-26-D agrees with PyTorch in f32") { check_f32(kDeep); }
TEST_CASE("ResNet-50 with separate towers agrees with PyTorch in f32") { check_f32(kSeparate); }
TEST_CASE("ResNet-50 with joint towers agrees with PyTorch in f32") { check_f32(kStacked); }

TEST_CASE("ResNet-18 agrees with PyTorch in bf16") { check_bf16(kResNet18); }
TEST_CASE("ResNeXt-50 agrees with PyTorch in bf16") { check_bf16(kGroups); }
TEST_CASE("ResNet-26-D agrees with PyTorch in bf16") { check_bf16(kDeep); }
TEST_CASE("ResNet-50 with separate towers agrees with PyTorch in bf16") { check_bf16(kSeparate); }
TEST_CASE("ResNet-50 with joint towers agrees with PyTorch in bf16") { check_bf16(kStacked); }

TEST_CASE("a fixture holds the tensors of our network and no others") {
  const auto backend = make_cpu_backend();
  for (const char* name : {kResNet18, kSeparate, kStacked, kGroups, kDeep}) {
    CAPTURE(name);
    const json fixture = read_fixture(name);
    TwinTowersOptions options;
    options.backbone.name = fixture.at("arch").get<std::string>();
    TwinTowers model(*backend, DType::f32, options);
    std::set<std::string> trained, all;
    for (const NamedTensor& t : model.state()) {
      all.insert(reference_name(t.name));
      if (t.parameter) trained.insert(reference_name(t.name));
    }
    std::set<std::string> with_gradient, listed;
    for (const auto& [tensor, figures] : fixture.at("tensors").items()) {
      listed.insert(tensor);
      if (figures.contains("grad")) with_gradient.insert(tensor);
    }
    CHECK(listed == all);
    CHECK(with_gradient == trained);
  }
}

TEST_CASE("a figure that is off by one in a hundred thousand is noticed") {
  json fixture = read_fixture(kResNet18);
  const auto spoil = [&](const char* pointer) {
    json& figure = fixture.at(json::json_pointer(pointer));
    figure = figure.get<double>() * (1 + 1e-5);
  };
  spoil("/steps/2/contrastive");
  spoil("/tensors/trunk.layer3.0.conv1.weight/grad/0");
  spoil("/tensors/trunk.layer2.1.bn2.running_var/after_step0/0");
  spoil("/eval_after/embedding_norms/3");
  const FixtureResult result = run(fixture, DType::f64);
  const auto noticed = [](const Deviation& deviation, const std::string& where) {
    CHECK(deviation.value > 1e-6);
    CHECK(deviation.where == where);
  };
  noticed(result.losses, "step 2 contrastive");
  noticed(result.grads, "trunk.layer3.0.conv1.weight");
  noticed(result.after_step0, "trunk.layer2.1.bn2.running_var");
  noticed(result.eval_after, "embedding_norms");
  check(result.first_losses, 1e-7);  // nothing was done to these
}

TEST_CASE("a deviation keeps the largest and a NaN is larger than any") {
  Deviation deviation;
  deviation.include(0.5, 2.0, "a quarter");
  deviation.include(0.1, 2.0, "a twentieth");
  CHECK(deviation.value == 0.25);
  CHECK(deviation.where == "a quarter");
  deviation.include(1e-3, 1e-9, "relative to a thousandth");
  CHECK(deviation.value == 1.0);
  deviation.include(NAN, 1.0, "not a number");
  deviation.include(2.0, 1.0, "after it");
  CHECK(std::isnan(deviation.value));
  CHECK(deviation.where == "not a number");
}

TEST_CASE("a broken fixture is refused") {
  const json good = read_fixture(kResNet18);
  const auto refused = [&](const std::string& what, const std::function<void(json&)>& spoil) {
    INFO(what);
    json fixture = good;
    fixture["steps"] = {good.at("steps").at(0)};
    spoil(fixture);
    CHECK_THROWS_AS(run(fixture, DType::f32), InputError);
  };
  refused("not an object", [](json& f) { f = json::array({1, 2}); });
  for (const char* key : {"arch", "size", "pairs", "lr", "momentum", "weight_decay", "towers", "labels_a", "labels_b",
                          "steps", "tensors", "eval_after"})
    refused("no " + std::string(key), [&](json& f) { f.erase(key); });
  refused("an unknown architecture", [](json& f) { f["arch"] = "vgg16"; });
  refused("no pixels", [](json& f) { f["size"] = 0; });
  refused("a size in words", [](json& f) { f["size"] = "large"; });
  refused("unknown towers", [](json& f) { f["towers"] = "leaning"; });
  refused("a label too few", [](json& f) { f["labels_b"].erase(0); });
  refused("a label too large", [](json& f) { f["labels_a"][0] = 12; });
  refused("a negative label", [](json& f) { f["labels_a"][0] = -1; });
  refused("no step", [](json& f) { f["steps"] = json::array(); });
  refused("a step without a loss", [](json& f) { f["steps"][0].erase("contrastive"); });
  refused("a tensor missing", [](json& f) { f["tensors"].erase("trunk.conv1.weight"); });
  refused("no gradient", [](json& f) { f["tensors"]["trunk.conv1.weight"].erase("grad"); });
  refused("a norm alone", [](json& f) { f["tensors"]["trunk.conv1.weight"]["grad"].erase(1); });
  refused("a logit too few", [](json& f) { f["eval_after"]["logits"][0].erase(0); });
  refused("an embedding too few", [](json& f) { f["eval_after"]["embedding_norms"].erase(0); });
}

}  // namespace
}  // namespace tandem
