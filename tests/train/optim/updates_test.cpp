// Fifty updates come to the weights that PyTorch's and timm's optimizers come to (fixtures/make.py).

#include <cmath>
#include <deque>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

#include "tests/layers/tensors.h"
#include "tests/support/catch.h"
#include "tests/support/worst.h"
#include "tests/train/optim/update.h"
#include "train/config/config.h"

namespace tandem {
namespace {

using nlohmann::json;
using Values = std::vector<double>;

constexpr int kUpdates = 50;

/// The fixture's parameters: formulas of their number and the element.
class Problem : public Module {
 public:
  Problem(Backend& backend, DType real) : backend_(backend), real_(real) {
    add("conv1.weight", {4, 3, 3, 2});
    add("bn1.weight", {4});
    add("bn1.bias", {4});
    add("layer1.0.conv1.weight", {3, 2, 2, 1});
    add("layer1.0.bn1.weight", {3});
    add("layer1.1.conv1.weight", {3, 1, 1, 3});
    add("layer2.0.conv1.weight", {5, 1, 1, 3});
    add("layer2.0.bn1.bias", {5});
    add("fc.weight", {6, 5});
    add("fc.bias", {6});
    add("embedding.0.weight", {4, 5});
    add("embedding.0.bias", {4});
  }

  /// Gives every parameter its gradient of update t, times `scale`.
  void set_gradients(int t, double scale = 1) {
    for (std::size_t p = 0; p < variables_.size(); ++p) {
      Values g = download(backend_, variables_[p].value());
      const double of_parameter = p + 1 == variables_.size() ? 0 : 1 + static_cast<double>(p) / 4;
      for (std::size_t i = 0; i < g.size(); ++i)
        g[i] = scale * of_parameter *
               (0.3 * g[i] + std::sin(0.37 * static_cast<double>(i) + 1.3 * t + static_cast<double>(p)));
      Tensor gradient = backend_.empty(variables_[p].value().shape(), real_);
      upload_real(backend_, g, gradient);
      variables_[p].slot()->add(backend_, std::move(gradient));
    }
  }

  Values values(const std::string& name) {
    for (const NamedTensor& p : parameters())
      if (p.name == name) return download(backend_, p.tensor());
    fail("no {}", name);
  }

 private:
  void add(const std::string& name, const Shape& shape) {
    const auto p = static_cast<double>(variables_.size());
    add_parameter(name, variables_.emplace_back(), backend_, shape, real_, {});
    Values w(static_cast<std::size_t>(shape.size()), 0.0);
    if (!name.ends_with("bias"))
      for (std::size_t i = 0; i < w.size(); ++i) w[i] = 0.5 * std::sin(1 + 0.7 * static_cast<double>(i) + 1.9 * p);
    upload_real(backend_, w, variables_.back().value());
  }

  Backend& backend_;
  DType real_;
  std::deque<Variable> variables_;
};

OptimizerOptions options_of(const json& optimizer) {
  const json config{{"data", {{"train", {{"list", "none"}}}}}, {"optimizer", optimizer}};
  return parse_config(config.dump(), "fixture").optimizer;
}

/// The largest deviation of a parameter, relative to its norm, from the fixture's.
double deviation(Backend& backend, DType real, const json& optimizer, const json& expected, double loss_scale = 1) {
  const OptimizerOptions options = options_of(optimizer);
  Problem problem(backend, real);
  const auto optimize = make_optimizer(backend, problem, options);
  const Tensor scale = real_tensor(backend, real, {loss_scale, 0});
  for (int t = 1; t <= kUpdates; ++t) {
    problem.set_gradients(t, loss_scale);
    const double lr = options.lr * (1 + std::cos(std::numbers::pi * (t - 1) / kUpdates)) / 2;
    test::update(backend, *optimize, real, lr, t, scale);
  }
  double worst = 0;
  for (const auto& [name, weights] : expected.items())
    test::include_worst(worst, test::deviation(problem.values(name), weights.get<Values>()));
  return worst;
}

const json& cases() {
  static const json all =
      json::parse(std::ifstream(std::filesystem::path(TANDEM_TEST_DATA) / "train/optim/fixtures/updates.json"));
  return all;
}

const json& case_of(const std::string& name) {
  for (const json& one : cases())
    if (one.at("name") == name) return one;
  fail("no case {}", name);
}

TEST_CASE("fifty updates of every optimizer equal PyTorch's and timm's") {
  const auto backend = make_reference_backend();
  REQUIRE(cases().size() >= 20);
  for (const json& one : cases()) {
    CAPTURE(one.at("name").get<std::string>());
    CHECK(deviation(*backend, DType::f64, one.at("optimizer"), one.at("weights")) < 1e-9);
  }
}

TEST_CASE("fifty updates on the CPU in f32 are close to PyTorch's and timm's, under a loss scale too") {
  const auto backend = make_cpu_backend();
  for (const json& one : cases()) {
    CAPTURE(one.at("name").get<std::string>());
    for (const double loss_scale : {1.0, 4096.0})
      CHECK(deviation(*backend, DType::f32, one.at("optimizer"), one.at("weights"), loss_scale) < 1e-4);
  }
}

TEST_CASE("fifty updates with another option come to other weights") {
  const auto backend = make_reference_backend();
  const auto differs = [&](const std::string& name, const std::string& option) {
    const json& one = case_of(name);
    json optimizer = one.at("optimizer");
    optimizer.merge_patch(json::parse(option));
    CAPTURE(name, option);
    CHECK(deviation(*backend, DType::f64, optimizer, one.at("weights")) > 1e-6);
  };
  differs("sgd", R"({"nesterov": false})");
  differs("sgd", R"({"decay_on": "all"})");
  differs("adam", R"({"type": "adamw"})");
  differs("adamw", R"({"eps": 1e-4})");
  differs("lars", R"({"lars": {"trust_coefficient": 0.002}})");
  differs("lars", R"({"lars": {"always_adapt": true}})");
  differs("lars, clipped ratios for all", R"({"lars": {"trust_clip": false}})");
  differs("lars, clipped ratios for all", R"({"lars": {"eps": 1e-2}})");
  differs("lamb", R"({"clip_norm": 1.1})");
  differs("lamb", R"({"lamb": {"always_adapt": true}})");
  differs("lamb, clipped ratios for all", R"({"lamb": {"trust_clip": false}})");
  differs("lamb, clipped ratios for all", R"({"lamb": {"eps": 1e-4}})");
  differs("lamb, clip by value", R"({"clip_value": null})");
  differs("rmsprop_tf", R"({"momentum": 0.8})");
  differs("rmsprop_tf, no momentum", R"({"rmsprop_tf": {"alpha": 0.9}})");
  differs("rmsprop_tf, no momentum", R"({"rmsprop_tf": {"eps": 1e-4}})");
  differs("clip by norm", R"({"clip_norm": null})");
  differs("clip by value", R"({"clip_value": null})");
  differs("Caffe's multipliers", R"({"groups": []})");
  differs("groups of adamw", R"({"groups": [{"match": ["layer1.*", "conv1.weight"], "lr": 0.1}]})");
  differs("groups of rmsprop_tf", R"({"groups": []})");
  differs("layer decay of adamw", R"({"layer_decay": 0.7})");
  differs("layer decay and a group", R"({"groups": []})");
}

/// Every tensor that an update may change.
std::vector<Values> everything(Backend& backend, Module& module, Optimizer& optimizer) {
  std::vector<Values> all;
  for (const std::vector<NamedTensor>& tensors : {module.parameters(), optimizer.state()})
    for (const NamedTensor& t : tensors) all.push_back(download(backend, t.tensor()));
  return all;
}

TEST_CASE("a gradient that is not finite changes neither weights nor what an optimizer keeps, however it is clipped") {
  for (const auto& [backend, real] :
       {std::pair{make_reference_backend(), DType::f64}, std::pair{make_cpu_backend(), DType::f32}})
    for (const json& one : cases()) {
      CAPTURE(one.at("name").get<std::string>());
      Problem problem(*backend, real);
      const auto optimizer = make_optimizer(*backend, problem, options_of(one.at("optimizer")));
      problem.set_gradients(1);
      test::update(*backend, *optimizer, real, 0.1, 1);
      const auto before = everything(*backend, problem, *optimizer);
      for (const double bad : {std::nan(""), HUGE_VAL}) {
        problem.set_gradients(2, bad);
        test::update(*backend, *optimizer, real, 0.1, 2);
        CHECK(everything(*backend, problem, *optimizer) == before);
      }
      problem.set_gradients(2);
      test::update(*backend, *optimizer, real, 0.1, 2);
      CHECK(everything(*backend, problem, *optimizer) != before);
    }
}

TEST_CASE("an optimizer that clips by the gradients' norm must be given it") {
  const auto backend = make_reference_backend();
  Problem problem(*backend, DType::f64);
  const auto optimizer = make_optimizer(*backend, problem, options_of({{"clip_norm", 1.0}}));
  problem.set_gradients(1);
  CHECK_THROWS_AS(optimizer->update({real_tensor(*backend, DType::f64, {0.1, 1, 1}), {}, {}}), Error);
}

}  // namespace
}  // namespace tandem
