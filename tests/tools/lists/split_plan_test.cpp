#include "tools/lists/split_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem::tools {
namespace {

using Numbers = std::vector<std::size_t>;

const std::vector<double> kShares = {0.8, 0.1, 0.1};

/// Images of each class in each part.
std::vector<Numbers> counts(const Numbers& labels, const Numbers& plan, std::size_t classes) {
  std::vector<Numbers> all(3, Numbers(classes));
  for (std::size_t i = 0; i < plan.size(); ++i) ++all[plan[i]][labels[i]];
  return all;
}

/// Classes of very different sizes, mixed.
Numbers uneven_labels() {
  Numbers labels;
  const std::size_t sizes[] = {400, 123, 57, 20, 9, 3, 3, 3, 3, 3, 3, 1};
  for (std::size_t c = 0; c < 12; ++c) labels.insert(labels.end(), sizes[c], c);
  Numbers mixed;
  for (const std::uint32_t i : permutation(static_cast<std::uint32_t>(labels.size()), Random(2, RandomPurpose::test)))
    mixed.push_back(labels[i]);
  return mixed;
}

TEST_CASE("every class is parted as the whole is") {
  const Numbers labels = uneven_labels();
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto parts = counts(labels, plan_split(labels, {}, kShares, seed), 12);
    for (std::size_t p = 0; p < 3; ++p) {
      const auto all = std::accumulate(parts[p].begin(), parts[p].end(), std::size_t{0});
      CHECK(std::abs(static_cast<double>(all) - kShares[p] * static_cast<double>(labels.size())) < 1.5);
      for (std::size_t c = 0; c < 12; ++c) {
        const auto images = static_cast<double>(std::count(labels.begin(), labels.end(), c));
        CHECK(std::abs(static_cast<double>(parts[p][c]) - kShares[p] * images) < 1.5);
      }
    }
  }
}

TEST_CASE("a plan depends on the seed alone") {
  const Numbers labels = uneven_labels();
  const std::vector<Numbers> groups = {{1, 5, 9}, {2, 3}};
  CHECK(plan_split(labels, groups, kShares, 4) == plan_split(labels, groups, kShares, 4));
  const Numbers one = plan_split(labels, groups, kShares, 4), other = plan_split(labels, groups, kShares, 5);
  std::size_t moved = 0;
  for (std::size_t i = 0; i < one.size(); ++i) moved += one[i] != other[i] ? 1 : 0;
  CHECK(moved > labels.size() / 10);
}

TEST_CASE("groups stay whole, and the classes' shares are kept as well as they allow") {
  // 120 uploaders of 1 to 12 images, each with a favourite class.
  Random random(9, RandomPurpose::test);
  Numbers labels;
  std::vector<Numbers> groups;
  for (int uploader = 0; uploader < 120; ++uploader) {
    Numbers group;
    const std::size_t favourite = random.below(6);
    for (std::uint32_t n = 1 + random.below(12); n > 0; --n) {
      group.push_back(labels.size());
      labels.push_back(random.below(4) > 0 ? favourite : random.below(6));
    }
    if (group.size() > 1) groups.push_back(group);
  }
  const Numbers plan = plan_split(labels, groups, kShares, 1);
  for (const Numbers& group : groups)
    for (const std::size_t i : group) REQUIRE(plan[i] == plan[group.front()]);
  const auto parts = counts(labels, plan, 6);
  for (std::size_t p = 0; p < 3; ++p)
    for (std::size_t c = 0; c < 6; ++c) {
      const auto images = static_cast<double>(std::count(labels.begin(), labels.end(), c));
      INFO("part " << p << " class " << c << ": " << parts[p][c] << " of " << images);
      CHECK(std::abs(static_cast<double>(parts[p][c]) - kShares[p] * images) < 4);
    }
}

TEST_CASE("the parts of a command line") {
  const auto parts = parse_parts("train=0.75,hold_out-2=0.25");
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].name == "train");
  CHECK(parts[1].name == "hold_out-2");
  CHECK(parts[1].share == 0.25);
  for (const auto& refused : std::map<std::string, std::string>{{"", "has no share"},
                                                                {"train", "has no share"},
                                                                {"train=1", "is no share"},
                                                                {"train=x,val=0.5", "'x' is no share"},
                                                                {"train=0.5x,val=0.5", "is no share"},
                                                                {"train=0.5,val=0.4", "the shares sum to 0.9"},
                                                                {"a=0.5,a=0.5", "'a' cannot name a part"},
                                                                {"classes=0.5,a=0.5", "'classes' cannot name a part"},
                                                                {"../a=0.5,b=0.5", "is no name for a list"},
                                                                {"a=0.5,b=0.5,", "has no share"}}) {
    INFO(refused.first);
    const std::string message = test::message_of<InputError>([&] { parse_parts(refused.first); });
    CHECK(test::contains(message, refused.second));
    CHECK(message.rfind("--parts: ", 0) == 0);
  }
}

}  // namespace
}  // namespace tandem::tools
