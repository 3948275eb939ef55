#include "train/search/sweep_results.h"

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/train/config/errors.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;
using test::TempDir;
using Status = TrialResult::Status;

TrialResult result(int number, std::vector<double> figures, Status status = Status::done) {
  return {
      {number, {"seed=" + std::to_string(number)}}, status, status == Status::failed ? "why" : "", std::move(figures)};
}

std::vector<int> numbers(const SweepResults& results) {
  std::vector<int> order;
  for (const TrialResult& r : results.ranked()) order.push_back(r.trial.number);
  return order;
}

TEST_CASE("trials are ranked by their best epoch, upwards or downwards") {
  SweepOptions options;
  SweepResults results(options);
  results.add(result(1, {0.5, 0.6}));
  results.add(result(2, {0.9, 0.1}));
  results.add(result(3, {}, Status::failed));
  results.add(result(4, {0.6}, Status::pruned));
  CHECK(numbers(results) == std::vector<int>{2, 1, 4, 3});
  options.direction = SweepOptions::Direction::min;
  CHECK(numbers(results) == std::vector<int>{2, 1, 4, 3});  // 0.1, 0.5, 0.6, none
  results.add(result(5, {0.05}));
  CHECK(numbers(results).front() == 5);
  CHECK(contains(results.table(), "failed: why"));
  CHECK(contains(results.table(), "ended early"));
}

TEST_CASE("a trial is ended when its best is below the median of the others' best by then") {
  SweepOptions options;
  options.prune = {2, 3};
  SweepResults results(options);
  results.add(result(1, {0.5, 0.5, 0.5}));
  results.add(result(2, {0.6, 0.2, 0.9}));
  CHECK_FALSE(results.should_prune({0.1, 0.1}));  // two trials are too few
  results.add(result(3, {0.1, 0.1}, Status::pruned));
  CHECK_FALSE(results.should_prune({0.1, 0.1}));  // one that was ended early does not count
  results.add(result(4, {0.1, 0.7, 0.8}));
  CHECK_FALSE(results.should_prune({0.0}));  // after one epoch it is too early
  CHECK(results.should_prune({0.1, 0.55}));  // medians by epoch: 0.5, 0.6, 0.8
  CHECK(results.should_prune({0.59, 0.1}));
  CHECK_FALSE(results.should_prune({0.1, 0.6}));  // not worse
  CHECK_FALSE(results.should_prune({0.65, 0.1}));
  CHECK(results.should_prune({0.65, 0.1, 0.7}));
  options.direction = SweepOptions::Direction::min;
  CHECK_FALSE(results.should_prune({0.1, 0.55}));
  CHECK(results.should_prune({0.6, 0.55}));  // medians of the lowest: 0.5, 0.2
  options.prune.reset();
  CHECK_FALSE(results.should_prune({0.6, 0.55}));
}

TEST_CASE("results are read as they were written, and a trial that failed is tried again") {
  const TempDir dir;
  const SweepOptions options;
  SweepResults results(options), read(options);
  results.add(result(1, {0.5, 0.25}));
  results.add(result(2, {}, Status::failed));
  results.write(dir / "results.json");
  read.read(dir / "results.json");
  CHECK(read.has(1));
  CHECK_FALSE(read.has(2));
  CHECK(read.table() == results.table());
  read.add(result(2, {0.7}));
  CHECK(read.has(2));
  CHECK(read.ranked().size() == 2);
  dir.write("torn.json", "[{\"trial\": 1");
  CHECK(contains(error_of([&] { read.read(dir / "torn.json"); }), "torn.json: not a sweep's results"));
}

TEST_CASE("the figure of each epoch is taken from the run's log") {
  const TempDir dir;
  SweepOptions options;
  dir.write("metrics.jsonl",
            "{\"event\":\"step\",\"step\":1}\n"
            "{\"event\":\"epoch\",\"epoch\":1,\"eval\":{\"top1\":0.25,\"loss\":2}}\n"
            "{\"event\":\"epoch\",\"epoch\":2,\"eval\":{\"top1\":0.5,\"loss\":null}}\n");
  CHECK(figures_of_epochs(dir / "metrics.jsonl", options) == std::vector<double>{0.25, 0.5});
  CHECK(figures_of_epochs(dir / "none.jsonl", options).empty());
  options.figure = "loss";
  options.direction = SweepOptions::Direction::min;
  const auto losses = figures_of_epochs(dir / "metrics.jsonl", options);
  REQUIRE(losses.size() == 2);
  CHECK(losses[0] == 2);
  CHECK(losses[1] > 1e300);  // not finite: the worst
  options.figure = "top2";
  CHECK(contains(error_of([&] { (void)figures_of_epochs(dir / "metrics.jsonl", options); }),
                 "got \"top2\", expected one of an evaluation's: loss, top1"));
}

}  // namespace
}  // namespace tandem
