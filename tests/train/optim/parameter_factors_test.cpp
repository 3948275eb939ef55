#include "train/optim/parameter_factors.h"

#include <deque>

#include "core/backend/backend.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"

namespace tandem {
namespace {

/// Matrices, and vectors where the name ends in "bias".
struct Network : Module {
  std::shared_ptr<Backend> backend = make_reference_backend();
  std::deque<Variable> variables;

  explicit Network(const std::vector<std::string>& names) {
    for (const std::string& name : names)
      add_parameter(name, variables.emplace_back(), *backend, name.ends_with("bias") ? Shape{2} : Shape{2, 3},
                    DType::f32, {});
  }
};

const std::vector<std::string> kNames = {"conv1.weight",
                                         "bn1.bias",
                                         "layer1.0.conv1.weight",
                                         "layer1.0.bn1.bias",
                                         "layer1.1.conv1.weight",
                                         "layer2.0.conv1.weight",
                                         "fc.weight",
                                         "fc.bias",
                                         "embedding.0.weight"};

std::vector<double> rates(const ParameterOptions& options) {
  Network network(kNames);
  std::vector<double> all;
  for (const ParameterFactors& f : parameter_factors(network.parameters(), options)) all.push_back(f.lr);
  return all;
}

std::vector<double> decays(const ParameterOptions& options) {
  Network network(kNames);
  std::vector<double> all;
  for (const ParameterFactors& f : parameter_factors(network.parameters(), options)) all.push_back(f.weight_decay);
  return all;
}

TEST_CASE("weight decay spares vectors, or nothing, and groups multiply it") {
  using enum ParameterOptions::Decay;
  CHECK(decays({}) == std::vector<double>{1, 0, 1, 0, 1, 1, 1, 0, 1});
  CHECK(decays({.decay = all}) == std::vector<double>(9, 1));
  CHECK(decays({.groups = {{.match = {"*"}, .weight_decay = 2}}}) == std::vector<double>{2, 0, 2, 0, 2, 2, 2, 0, 2});
  CHECK(decays({.decay = all, .groups = {{.match = {"*.bias"}, .weight_decay = 0}}}) ==
        std::vector<double>{1, 0, 1, 0, 1, 1, 1, 0, 1});
}

TEST_CASE("a parameter has the product of the factors of its groups, one for each group however many patterns fit") {
  CHECK(rates({}) == std::vector<double>(9, 1));
  CHECK(rates({.groups = {{.match = {"fc.*", "fc.bias", "embedding.?.weight"}, .lr = 10},
                          {.match = {"*.bias"}, .lr = 2}}}) == std::vector<double>{1, 2, 1, 2, 1, 1, 10, 20, 10});
}

TEST_CASE("a group's pattern may call what is not of a head the backbone's") {
  CHECK(rates({.groups = {{.match = {"backbone.*"}, .lr = 10}}}) ==
        std::vector<double>{10, 10, 10, 10, 10, 10, 1, 1, 1});
  CHECK(rates({.groups = {{.match = {"backbone.layer1.*"}, .lr = 10}}}) ==
        std::vector<double>{1, 1, 10, 10, 10, 1, 1, 1, 1});
}

TEST_CASE("layer decay counts the stem, every block and the heads") {
  CHECK(rates({.layer_decay = 0.5}) == std::vector<double>{0.0625, 0.0625, 0.125, 0.125, 0.25, 0.5, 1, 1, 1});
  CHECK(rates({.layer_decay = 0.5, .groups = {{.match = {"layer1.*"}, .lr = 8}}}) ==
        std::vector<double>{0.0625, 0.0625, 1, 1, 2, 0.5, 1, 1, 1});
}

TEST_CASE("a pattern that fits nothing is refused with some names that there are") {
  CHECK(test::error_of([] {
          rates({.groups = {{.match = {"*"}}, {.match = {"fc.*", "layer9.*"}}}});
        }) ==
        "2: /optimizer/groups/1/match: \"layer9.*\" fits no parameter, expected a pattern of names such as "
        "conv1.weight, bn1.bias, layer1.0.bn1.bias, layer1.1.conv1.weight, fc.weight, embedding.0.weight");
}

TEST_CASE("layer decay of a network without blocks is refused") {
  for (const char* name : {"layer1", "layer1.weight", "layer1.x.weight", "layer.0.weight", "player1.0.weight"}) {
    CAPTURE(name);
    Network network({name});
    CHECK(test::error_of([&] { parameter_factors(network.parameters(), {.layer_decay = 0.9}); }) ==
          std::string("2: /optimizer/layer_decay: the network has no blocks, such as layer1.0, but ") + name +
              "; expected 1");
  }
}

TEST_CASE("groups are described in a line each") {
  Network network(kNames);
  CHECK(describe_groups(network.parameters(), {}).empty());
  CHECK(describe_groups(network.parameters(), {.layer_decay = 0.5, .groups = {{{"fc.*", "embedding.*"}, 10, 0.5}}}) ==
        "layer decay 0.5: 5 layers, the first one's learning rate x 0.0625\n"
        "group fc.*, embedding.*: 3 tensors, learning rate x 10, weight decay x 0.5\n");
}

}  // namespace
}  // namespace tandem
