#include "cpu/onednn/onednn.h"

#include "cpu/host/host_memory.h"
#include "tests/support/catch.h"

namespace tandem::cpu {

TEST_CASE("An error of oneDNN's names what was to be computed") {
  const auto arena = std::make_shared<Arena>(std::make_unique<HostSegments>());
  Threads threads(2);
  OneDnn onednn(arena, threads);
  const auto f32 = [&](const Shape& shape) { return Tensor(arena, shape, DType::f32); };
  using Catch::Matchers::StartsWith;

  // Weights for other channels than the image has.
  const ConvolutionProblem problem{Direction::forward, DType::f32, {1, 1}, {1, 6, 6, 8}, {16, 3, 3, 5}};
  const std::string name = "convolution forward f32 1x6x6x8 16x3x3x5 stride 1 padding 1: oneDNN: ";
  Tensor y = f32({1, 6, 6, 16});
  CHECK_THROWS_WITH(onednn.convolve(problem, f32(problem.x), f32(problem.w), {}, y), StartsWith(name));

  Tensor product = f32({2, 5});
  CHECK_THROWS_WITH(onednn.matmul(f32({2, 3}), false, f32({5, 4}), true, {}, product),
                    StartsWith("product of (2, 3) and (5, 4)': oneDNN: "));
}

}  // namespace tandem::cpu
