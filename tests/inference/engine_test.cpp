#include "inference/engine.h"

#include "tests/support/catch.h"

namespace tandem {
namespace {

TEST_CASE("a precision has one name, in the config and in what is printed") {
  for (const Precision precision : {Precision::fp32, Precision::fp64})
    CHECK(open_engine("cpu", precision).precision == to_string(precision));
  const Engine engine = open_engine("cpu", Precision::automatic);
  const bool narrow = engine.backend->supports(DType::bf16);
  CHECK(engine.precision == (narrow ? "bf16" : "fp32"));
  CHECK(engine.compute == (narrow ? DType::bf16 : DType::f32));
}

TEST_CASE("a precision that the device does not have is refused, not emulated") {
  for (const Precision precision : {Precision::tf32, Precision::fp16})
    CHECK_THROWS_AS(open_engine("cpu", precision), InputError);
}

}  // namespace
}  // namespace tandem
