#include "core/backend/host_copy.h"

#include "tests/support/catch.h"

namespace tandem {
namespace {

TEST_CASE("numbers are uploaded and downloaded as they are") {
  const auto backend = make_cpu_backend();
  for (const DType real : {DType::f32, DType::f64}) {
    Tensor tensor = backend->empty({3}, real);
    upload(*backend, {0.5F, -2.0F, 1e-30F}, tensor);
    CHECK(download(*backend, tensor) == std::vector<double>{0.5, -2.0, static_cast<double>(1e-30F)});
    CHECK_THROWS_AS(upload(*backend, {1.0F}, tensor), Error);
  }
  Tensor labels = backend->empty({1}, DType::i32);
  CHECK_THROWS_AS(upload(*backend, {1.0F}, labels), Error);
  CHECK_THROWS_AS(download(*backend, labels), Error);
}

}  // namespace
}  // namespace tandem
