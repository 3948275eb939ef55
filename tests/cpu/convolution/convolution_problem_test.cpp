#include "cpu/convolution/problem.h"

#include <vector>

#include "tests/support/catch.h"

namespace tandem::cpu {

TEST_CASE("Problems differ in every part of their name") {
  const ConvolutionProblem problem{Direction::forward, DType::f32, {1, 1}, {2, 6, 6, 8}, {16, 3, 3, 8}};
  CHECK(problem.name() == "forward f32 2x6x6x8 16x3x3x8 stride 1 padding 1");
  std::vector<ConvolutionProblem> all(10, problem);
  all[1].direction = Direction::grad_input;
  all[2].dtype = DType::bf16;
  all[3].geometry.stride = 2;
  all[4].geometry.padding = 0;
  all[5].x = {2, 6, 8, 6};
  all[6].w = {16, 3, 8, 3};
  all[7].adds = true;
  all[8].relu = true;
  all[9].geometry.groups = 2;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(all[i].name() != all[j].name());
}

}  // namespace tandem::cpu
