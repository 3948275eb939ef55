#include "bench/layers.h"

#include <map>
#include <set>

#include "bench/loader.h"
#include "core/base/error.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

const StepBenchOptions kSmall{"resnet18", 1, 32, 3, 1};

}  // namespace

TEST_CASE("layers times every op of a step") {
  const auto backend = make_cpu_backend();
  const LayerTable table = bench_layers(*backend, DType::f32, kSmall);
  CHECK(table.peaks.flop_per_s > 1e8);
  CHECK(table.peaks.bytes_per_s > 1e8);
  double share = 0;
  std::set<std::pair<std::string, std::string>> names;
  int convolutions = 0;
  double flop = 0;
  for (const LayerTime& row : table.rows) {
    CAPTURE(row.kernel, row.problem);
    CHECK(row.seconds > 0);
    CHECK(row.calls > 0);
    CHECK(row.of_roofline >= 0);
    CHECK(names.emplace(row.kernel, row.problem).second);
    share += row.share;
    if (row.kernel == "conv2d_forward") convolutions += row.calls, flop += row.flop;
  }
  CHECK(share == Approx(1));
  CHECK(convolutions == 20);
  // 2 images; multiplications of ResNet-18's convolutions at 32x32 (a 49th of those at 224x224, 1.8141 G), twice.
  CHECK(flop == Approx(2 * 2 * 1.8135e9 / 49).epsilon(0.01));
  CHECK(table.between_seconds > 0);
  CHECK(table.step_seconds > table.between_seconds);
  CHECK(names.contains({"conv2d_grad_weight", "3x3/1 64 -> 64 at 8x8"}));
  CHECK(names.contains({"batch_norm_backward", "64 at 8x8 + residual"}));
  CHECK_FALSE(names.contains({"conv2d_grad_input", "7x7/2 3 -> 64 at 32x32"}));  // nobody wants the images' gradient
  const std::string text = to_text(table);
  for (const auto& [kernel, problem] : names) CHECK(text.find(kernel) != std::string::npos);
}

TEST_CASE("an observed backend computes what it computes unobserved, and tells of every kernel that a step calls") {
  class Counter final : public KernelObserver {
   public:
    std::map<std::string, int> calls;
    void begin() override { ++open_; }
    void end(const char* kernel, const KernelWork& work) noexcept override {
      CHECK(--open_ == 0);  // the kernels that a kernel calls are not told
      CHECK_FALSE(work.problem.empty());
      ++calls[kernel];
    }

   private:
    int open_ = 0;
  };
  const auto backend = make_cpu_backend();
  Counter counter;
  StepBench observed(*backend, DType::f32, kSmall), direct(*backend, DType::f32, kSmall);
  for (int i = 0; i < 3; ++i) {
    backend->observe(&counter);
    const double total = observed.run().total;
    backend->observe(nullptr);
    CHECK(direct.run().total == total);
  }
  CHECK(counter.calls["conv2d_forward"] == 3 * 20);
  CHECK(counter.calls["conv2d_grad_input"] == 3 * 19);
  CHECK(counter.calls["optimizer_update"] == 3);
  CHECK(counter.calls["softmax_cross_entropy"] == 3 * 2);
  CHECK(counter.calls["normalize_images"] == 3);
  CHECK(counter.calls["binary"] > 0);
}

TEST_CASE("inference is timed on its own") {
  const auto backend = make_cpu_backend();
  const auto figures = bench_inference(*backend, DType::f32, kSmall);
  CHECK(figures.at("images_per_s").get<double>() > 0);
  CHECK_FALSE(figures.contains("loss"));
}

TEST_CASE("the loader's bench refuses a list that is not there") {
  CHECK_THROWS_AS(bench_loader({"/no/such/list.txt", 1, 8, 1, 1}), InputError);
}

}  // namespace tandem
