#include "layers/torch_layout.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/support/catch.h"

namespace tandem {
namespace {

/// The elements of a tensor kept in Tandem's order, in PyTorch's.
std::vector<int> to_torch(const Shape& shape, const std::vector<int>& ours) {
  std::vector<int> torch(ours.size());
  for_torch_order(shape, [&](std::int64_t from, std::int64_t to) {
    torch[static_cast<std::size_t>(to)] = ours[static_cast<std::size_t>(from)];
  });
  return torch;
}

TEST_CASE("a convolution weight changes from KRSC to KCRS") {
  const Shape shape{2, 1, 2, 3};  // two filters of 1x2 over three channels
  CHECK(torch_shape(shape) == std::vector<std::int64_t>{2, 3, 1, 2});
  // An element's number is k r s c.
  const std::vector<int> ours{1111, 1112, 1113, 1121, 1122, 1123, 2111, 2112, 2113, 2121, 2122, 2123};
  const std::vector<int> torch{1111, 1121, 1112, 1122, 1113, 1123, 2111, 2121, 2112, 2122, 2113, 2123};
  CHECK(to_torch(shape, ours) == torch);
}

TEST_CASE("the order of PyTorch is a permutation that leads back") {
  const Shape shape{5, 3, 2, 7};
  std::vector<int> ours(static_cast<std::size_t>(shape.size()));
  std::iota(ours.begin(), ours.end(), 0);
  const std::vector<int> torch = to_torch(shape, ours);
  CHECK(torch != ours);
  std::vector<int> back(torch.size());
  for_torch_order(shape, [&](std::int64_t i, std::int64_t at) {
    back[static_cast<std::size_t>(i)] = torch[static_cast<std::size_t>(at)];
  });
  CHECK(back == ours);
  CHECK(std::set<int>(torch.begin(), torch.end()).size() == torch.size());
}

TEST_CASE("vectors and matrices are the same in PyTorch") {
  const std::vector<int> values{6, 5, 4, 3, 2, 1};
  CHECK(torch_shape({6}) == std::vector<std::int64_t>{6});
  CHECK(torch_shape({2, 3}) == std::vector<std::int64_t>{2, 3});
  CHECK(to_torch({6}, values) == values);
  CHECK(to_torch({2, 3}, values) == values);
}

}  // namespace
}  // namespace tandem
