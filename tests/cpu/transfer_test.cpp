// Uploads and downloads on the device under test.

#include <vector>

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/support/ops/op_run.h"

namespace tandem::test {
namespace {

std::vector<std::uint8_t> bytes_of(Backend& backend, const Tensor& tensor) {
  std::vector<std::uint8_t> bytes(tensor.bytes());
  backend.copy_to_host(tensor, bytes.data());
  return bytes;
}

}  // namespace

TEST_CASE("Batches arrive in their order, and their memory is free at once", "[device]") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  constexpr std::int64_t kBytes = 1'000'003;
  const auto uploader = backend->make_uploader(kBytes);
  Tensor to = backend->empty({kBytes}, DType::u8);
  std::vector<std::uint8_t> batch(kBytes);
  const auto begin = [&](int number) {
    for (std::size_t i = 0; i < batch.size(); ++i)
      batch[i] = static_cast<std::uint8_t>(i * 7 + static_cast<std::size_t>(number));
    uploader->begin(batch.data(), batch.size());
    std::fill(batch.begin(), batch.end(), std::uint8_t{0});
  };
  const auto check = [&](int number) {
    uploader->finish(to);
    const auto got = bytes_of(*backend, to);
    bool same = true;
    for (std::size_t i = 0; i < got.size(); ++i)
      same = same && got[i] == static_cast<std::uint8_t>(i * 7 + static_cast<std::size_t>(number));
    CHECK(same);
  };
  begin(0);
  for (int number = 1; number < 6; ++number) {
    begin(number);
    check(number - 1);
  }
  check(5);
}

TEST_CASE("An uploader refuses what it was not made for", "[device]") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  const auto uploader = backend->make_uploader(8);
  const std::uint8_t batch[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  Tensor eight = backend->empty({8}, DType::u8), four = backend->empty({4}, DType::u8);
  CHECK_THROWS_AS(uploader->begin(batch, 9), Error);
  CHECK_THROWS_AS(uploader->finish(eight), Error);
  uploader->begin(batch, 8);
  CHECK_THROWS_AS(uploader->finish(four), Error);
  uploader->begin(batch, 4);
  CHECK_THROWS_AS(uploader->begin(batch, 8), Error);
  uploader->finish(eight);
  uploader->finish(four);
  CHECK(bytes_of(*backend, four) == std::vector<std::uint8_t>{1, 2, 3, 4});
}

TEST_CASE("A downloader brings what the tensors held when it was asked", "[device]") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  const auto downloader = backend->make_downloader(5);
  CHECK(downloader->finish().empty());
  Tensor two = upload(*backend, {{2}, {1.5, -2}}, DType::f32), three = upload(*backend, {{3}, {3, 4, 5}}, DType::f32);
  downloader->begin(two);
  backend->fill(two, 7);
  downloader->begin(three);
  CHECK_THROWS_AS(downloader->begin(two), Error);
  backend->fill(three, 7);
  CHECK(downloader->finish() == std::vector<double>{1.5, -2, 3, 4, 5});
  downloader->begin(two);
  CHECK(downloader->finish() == std::vector<double>{7, 7});
}

}  // namespace tandem::test
