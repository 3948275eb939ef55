// Folded convolutions: the device's kernels against the reference, and folding against batch norm.

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/ops/tensors.h"

namespace tandem::test {
namespace {

struct Case {
  Conv2dGeometry geometry;
  HostTensor x, w, b, residual;
  bool adds, relu;
};

/// Every other 3x3 convolution has the stride and the channels that Winograd's algorithm takes, some others have
/// groups.
Case draw(std::uint32_t seed) {
  Random random(seed, RandomPurpose::test);
  const bool whole = seed % 6 == 3;
  const std::int64_t groups = seed % 5 == 4 ? 4 : 1, window = seed % 3 == 0 ? 3 : 1,
                     stride = whole ? 1 : 1 + random.below(2), c = whole ? 64 : groups * (1 + random.below(40)),
                     k = whole ? 128 : groups * (1 + random.below(40)), height = 1 + random.below(9),
                     width = 1 + random.below(9);
  const Conv2dGeometry geometry{stride, window / 2, groups};
  const Shape x{1 + random.below(3), height, width, c},
      y{x[0], geometry.output(height, window), geometry.output(width, window), k};
  return {geometry,
          random_tensor(x, random),
          random_tensor({k, window, window, c / groups}, random),
          random_tensor({k}, random),
          random_tensor(y, random),
          seed % 2 == 0,
          seed % 4 < 2};
}

HostTensor infer(Backend& backend, DType compute, const Case& c, bool in_place) {
  const DType real = param_dtype(compute);
  const Tensor residual = c.adds ? upload(backend, c.residual, compute) : Tensor();
  Tensor y = in_place ? residual : backend.empty(c.residual.shape, compute);
  backend.conv2d_inference(c.geometry, upload(backend, c.x, compute), upload(backend, c.w, real),
                           upload(backend, c.b, real), residual, c.relu, y);
  return download(backend, y);
}

}  // namespace

TEST_CASE("Convolutions for inference agree with the reference, also over their residual") {
  const auto backend = make_test_backend(), reference = make_reference_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  for (std::uint32_t seed = 0; seed < 24; ++seed) {
    const Case c = draw(seed);
    const HostTensor expected = infer(*reference, DType::f64, c, false);
    for (const bool in_place : {false, true}) {
      if (in_place && !c.adds) continue;
      CAPTURE(seed, in_place, c.adds, c.relu);
      CHECK(relative_error(infer(*reference, DType::f64, c, in_place), expected) < 1e-12);
      poison(*backend);
      CHECK(relative_error(infer(*backend, DType::f32, c, in_place), expected) < 1e-5);
      if (backend->supports(DType::bf16))
        CHECK(relative_error(infer(*backend, DType::bf16, c, in_place), expected) < 1e-2);
    }
  }
}

TEST_CASE("Convolutions for inference let no NaN pass for a number") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  for (const DType compute : {DType::f32, DType::bf16}) {
    if (!backend->supports(compute)) continue;
    for (std::uint32_t seed = 0; seed < 24; ++seed) {
      Case c = draw(seed);
      c.w.values[0] = std::nan("");
      c.b.values.back() = std::nan("");
      const HostTensor y = infer(*backend, compute, c, false);
      const std::size_t filters = c.b.values.size();
      CAPTURE(seed, c.relu, c.adds);
      for (std::size_t i = filters - 1; i < y.values.size(); i += filters) CHECK(std::isnan(y.values[i]));
      if (c.w.shape[1] == 1)
        for (std::size_t i = 0; i < y.values.size(); i += filters) CHECK(std::isnan(y.values[i]));
    }
  }
}

TEST_CASE("Folding adds up by hand") {
  for_each_backend([](Backend& backend, DType real, double tolerance) {
    Tensor w = backend.empty({2, 1, 1, 2}, real), b = backend.empty({2}, real);
    const auto make = [&](const Shape& shape, const std::vector<double>& values) {
      return tensor(backend, real, shape, values);
    };
    // s = gamma / sqrt(var + eps) = 2 / 2, 3 / 0.5
    backend.fold_batch_norm(0.25, make({2, 1, 1, 2}, {1, 2, 3, 4}), make({2}, {2, 3}), make({2}, {10, 20}),
                            make({2}, {5, -1}), make({2}, {3.75, 0}), w, b);
    CHECK(largest_difference(values_of(backend, w), {1, 2, 18, 24}) <= tolerance * 24);
    CHECK(largest_difference(values_of(backend, b), {5, 26}) <= tolerance * 26);
  });
}

}  // namespace tandem::test
