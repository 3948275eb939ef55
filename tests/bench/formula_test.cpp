#include "bench/formula.h"

#include <cmath>

#include "tests/support/catch.h"

namespace tandem {
namespace {

TEST_CASE("a tensor of the reference program is found under its own name") {
  CHECK(reference_name("conv1.weight") == "trunk.conv1.weight");
  CHECK(reference_name("layer2.0.downsample.1.running_var") == "trunk.layer2.0.downsample.1.running_var");
  CHECK(reference_name("fc.bias") == "classifier.bias");
  CHECK(reference_name("embedding.2.weight") == "embedding.2.weight");
}

TEST_CASE("formula numbers depend on name and position alone") {
  const std::vector<float> few = formula_uniform("trunk.conv1.weight", 10);
  const std::vector<float> many = formula_uniform("trunk.conv1.weight", 1000);
  CHECK(std::vector<float>(many.begin(), many.begin() + 10) == few);
  CHECK(formula_uniform("trunk.conv2.weight", 10) != few);
  double sum = 0;
  for (const float v : many) {
    CHECK((v >= -1.0F && v < 1.0F));
    sum += static_cast<double>(v);
  }
  CHECK(std::abs(sum / 1000) < 0.1);
}

}  // namespace
}  // namespace tandem
