#include "train/search/sweep_results.h"

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;
using test::TempDir;
using Status = TrialResult::Status;

const Figure kRises("eval.top1", true), kFalls("eval.loss", false);

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
  SweepResults results(kRises, {});
  results.add(result(1, {0.5, 0.6}));
  results.add(result(2, {0.9, 0.1}));
  results.add(result(3, {}, Status::failed));
  results.add(result(4, {0.6}, Status::pruned));
  CHECK(numbers(results) == std::vector<int>{2, 1, 4, 3});
  SweepResults falling(kFalls, {});
  for (const TrialResult& r : results.ranked()) falling.add(r);
  falling.add(result(5, {0.05}));
  CHECK(numbers(falling) == std::vector<int>{5, 2, 1, 4, 3});  // 0.05, 0.1, 0.5, 0.6, none
  CHECK(contains(results.table(), "failed: why"));
  CHECK(contains(results.table(), "ended early"));
}

TEST_CASE("a trial is ended when its best is below the median of the others' best by then") {
  SweepResults results(kRises, PruneOptions{2, 3});
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
  SweepResults falling(kFalls, PruneOptions{2, 3}), unpruned(kFalls, {});
  for (const TrialResult& r : results.ranked()) {
    falling.add(r);
    unpruned.add(r);
  }
  CHECK_FALSE(falling.should_prune({0.1, 0.55}));
  CHECK(falling.should_prune({0.6, 0.55}));  // medians of the lowest: 0.5, 0.2
  CHECK_FALSE(unpruned.should_prune({0.6, 0.55}));
}

TEST_CASE("results are read as they were written, and a trial that failed is tried again") {
  const TempDir dir;
  SweepResults results(kRises, {}), read(kRises, {});
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
  dir.write("metrics.jsonl",
            "{\"event\":\"step\",\"step\":1}\n"
            "{\"event\":\"epoch\",\"epoch\":1,\"eval\":{\"top1\":0.25,\"loss\":2}}\n"
            "{\"event\":\"epoch\",\"epoch\":2,\"eval\":{\"top1\":0.5,\"loss\":null}}\n");
  CHECK(read_figures(dir / "metrics.jsonl", kRises) == std::vector<double>{0.25, 0.5});
  CHECK(read_figures(dir / "none.jsonl", kRises).empty());
  const auto losses = read_figures(dir / "metrics.jsonl", kFalls);
  REQUIRE(losses.size() == 2);
  CHECK(losses[0] == 2);
  CHECK(losses[1] > 1e300);  // not finite: the worst
  CHECK(contains(error_of([&] {
                   (void)read_figures(dir / "metrics.jsonl", {"eval.top2", true});
                 }),
                 "got \"eval.top2\", expected a figure that this run logs"));
}

}  // namespace
}  // namespace tandem
