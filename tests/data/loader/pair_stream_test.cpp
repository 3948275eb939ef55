#include "data/loader/pair_stream.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

PairStream stream_over(std::uint32_t images, int pairs, std::uint64_t seed) {
  PairOptions options;
  options.batch = pairs;
  return {std::vector<std::int32_t>(images), options, seed};
}

TEST_CASE("each stream shows every image once an epoch in an order of its own") {
  constexpr std::uint32_t kImages = 50;
  PairStream pairs = stream_over(kImages, 8, 1);
  std::vector<std::vector<std::uint32_t>> orders;
  for (std::uint32_t stream = 0; stream < 2; ++stream)
    for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
      std::vector<std::uint32_t> order;
      for (std::uint32_t i = 0; i < kImages; ++i)
        order.push_back(pairs.image(stream, std::int64_t{epoch} * kImages + i));
      orders.push_back(order);
      std::sort(order.begin(), order.end());
      for (std::uint32_t i = 0; i < kImages; ++i) CHECK(order[i] == i);
    }
  std::sort(orders.begin(), orders.end());
  CHECK(std::adjacent_find(orders.begin(), orders.end()) == orders.end());
}

TEST_CASE("the streams are independent of each other and of the seed") {
  constexpr std::uint32_t kImages = 1000;
  PairStream pairs = stream_over(kImages, 8, 1);
  PairStream others = stream_over(kImages, 8, 2);
  int same_streams = 0;
  int same_seeds = 0;
  for (std::int64_t position = 0; position < 4 * kImages; ++position) {
    same_streams += pairs.image(0, position) == pairs.image(1, position) ? 1 : 0;
    same_seeds += pairs.image(0, position) == others.image(0, position) ? 1 : 0;
  }
  // Once an epoch is expected.
  CHECK(same_streams < 20);
  CHECK(same_seeds < 20);
}

TEST_CASE("a batch has each of its images as often as it is repeated, each time varied in another way") {
  constexpr std::uint32_t kImages = 30;
  PairOptions options{.batch = 12, .accumulate = 2};
  PairStream single(std::vector<std::int32_t>(kImages), {.batch = 4, .accumulate = 2}, 3);
  options.repeat = 3;
  PairStream repeated(std::vector<std::int32_t>(kImages), options, 3);
  for (std::int64_t batch = 0; batch < 30; ++batch) {
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t stream = 0; stream < 2; ++stream) {
      std::map<std::uint32_t, std::set<std::uint32_t>> numbers;  // of each image
      for (std::int64_t i = 12 * batch; i < 12 * batch + 12; ++i)
        numbers[repeated.image(stream, i)].insert(repeated.augmentation(stream, i).bits());
      std::map<std::uint32_t, std::uint32_t> expected;  // without repetition: the first copies
      for (std::int64_t i = 4 * batch; i < 4 * batch + 4; ++i)
        expected[single.image(stream, i)] = single.augmentation(stream, i).bits();
      // Across the end of an epoch an image may come twice.
      if (expected.size() < 4) continue;
      REQUIRE(numbers.size() == 4);
      for (const auto& [image, number] : expected)
        CHECK((numbers[image].size() == 3 && numbers[image].contains(number)));
    }
    for (std::int64_t i = 12 * batch; i < 12 * batch + 12; ++i)
      pairs.insert({repeated.image(0, i), repeated.image(1, i)});
    CHECK(pairs.size() >= 9);  // copies of one image beside different ones
  }
  for (std::int64_t epoch = 0; epoch < 5; ++epoch)
    CHECK(repeated.steps_before_epoch_end(epoch) == single.steps_before_epoch_end(epoch));
  for (std::int64_t step = 0; step < 20; ++step) CHECK(repeated.epoch_of_step(step) == single.epoch_of_step(step));
  options.repeat = 5;
  CHECK_THROWS_AS(PairStream(std::vector<std::int32_t>(kImages), options, 3), Error);
}

TEST_CASE("a position of a stream is a pure function") {
  PairStream forwards = stream_over(7, 3, 9);
  std::vector<std::uint32_t> images;
  std::vector<std::uint32_t> numbers;
  for (std::int64_t position = 0; position < 70; ++position) {
    images.push_back(forwards.image(1, position));
    numbers.push_back(forwards.augmentation(1, position).bits());
  }
  PairStream backwards = stream_over(7, 5, 9);
  for (std::int64_t position = 69; position >= 0; --position) {
    CHECK(backwards.image(1, position) == images[static_cast<std::size_t>(position)]);
    CHECK(backwards.augmentation(1, position).bits() == numbers[static_cast<std::size_t>(position)]);
  }
  std::sort(numbers.begin(), numbers.end());
  CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
  CHECK(forwards.augmentation(0, 3).bits() != forwards.augmentation(1, 3).bits());
}

TEST_CASE("epochs end after the step that shows their last image") {
  const PairStream pairs = stream_over(7, 3, 1);
  CHECK(pairs.steps_before_epoch_end(0) == 3);
  CHECK(pairs.steps_before_epoch_end(1) == 5);
  CHECK(pairs.steps_before_epoch_end(2) == 7);
  CHECK(pairs.steps_before_epoch_end(1000000000) == 2333333336);
  for (const int n : {1, 2, 7, 16})
    for (const int batch : {1, 3, 7, 20}) {
      const PairStream stream = stream_over(static_cast<std::uint32_t>(n), batch, 1);
      for (std::int64_t step = 0; step < 50; ++step) {
        const std::int64_t epoch = stream.epoch_of_step(step);
        CHECK(step < stream.steps_before_epoch_end(epoch));
        CHECK((epoch == 0 || step >= stream.steps_before_epoch_end(epoch - 1)));
      }
    }
}

TEST_CASE("a stream without images or pairs is an error") {
  CHECK_THROWS_AS(stream_over(0, 3, 1), Error);
  CHECK_THROWS_AS(stream_over(3, 0, 1), Error);
}

}  // namespace
}  // namespace tandem
