#include "layers/backbones/factory.h"

#include "layers/initialise.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

TEST_CASE("every backbone that has a name can be made, and gives as many features as it says") {
  const auto backend = make_cpu_backend();
  for (const std::string_view name : backbone_names()) {
    CAPTURE(name);
    const auto backbone = make_backbone(*backend, DType::f32, {std::string(name)});
    initialise(*backend, *backbone, 1);
    Context context{*backend, DType::f32};
    const Tensor images = test::random_tensor(*backend, {1, 32, 32, 3}, DType::f32, 1);
    CHECK(backbone->forward(context, images).shape() == Shape{1, backbone->features()});
  }
}

TEST_CASE("an unknown backbone is refused with a list of the known ones") {
  const auto backend = make_cpu_backend();
  std::string message;
  try {
    make_backbone(*backend, DType::f32, {"resnet51"});
  } catch (const InputError& e) {
    message = e.what();
  }
  CHECK(message == "backbone: got \"resnet51\", expected one of " + known_backbones());
  CHECK(known_backbones().starts_with(R"("resnet18", "resnet34", "resnet50", "resnet101")"));
}

}  // namespace
}  // namespace tandem
