#include "bench/layers.h"

#include <algorithm>
#include <map>

#include "core/backend/host_copy.h"
#include "core/base/rng.h"

namespace tandem {
namespace {

Tensor random_tensor(Backend& backend, const Shape& shape, DType dtype) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  Random random(3, RandomPurpose::test);
  for (float& value : values) value = random.uniform(-1, 1);
  Tensor real = backend.empty(shape, param_dtype(dtype));
  upload(backend, values, real);
  if (dtype == real.dtype()) return real;
  Tensor tensor = backend.empty(shape, dtype);
  backend.cast(real, tensor);
  return tensor;
}

/// The shortest time of a few calls, after one call that is not timed.
double shortest(Backend& backend, const std::function<void()>& call) {
  constexpr int kCalls = 8;
  StepBenchOptions options;
  options.steps = kCalls;
  options.warmup = 1;
  const std::vector<double> times = time_steps(options, [&] {
    call();
    backend.synchronize();
  });
  return *std::min_element(times.begin(), times.end());
}

/// The time of an op that does nothing: its launch and the wait for it, about 10 us on a GPU.
double call_overhead(Backend& backend) {
  Tensor one = backend.empty({1}, DType::f32);
  return shortest(backend, [&] { backend.fill(one, 0); });
}

/// The least time of an op, in seconds: clocks are not more exact.
constexpr double kResolution = 1e-7;

/// Waits for each kernel to be done before the next is queued, and says how long it took.
class KernelTimer final : public KernelObserver {
 public:
  using Note = std::function<void(const char* kernel, const KernelWork& work, double seconds)>;
  /// Times the kernels of `backend` as long as it lives. `note` must not throw.
  KernelTimer(Backend& backend, Note note) : backend_(backend), note_(std::move(note)) { backend_.observe(this); }
  ~KernelTimer() override { backend_.observe(nullptr); }

  void begin() override { begin_ = seconds(); }
  void end(const char* kernel, const KernelWork& work) noexcept override {
    try {
      backend_.synchronize();
    } catch (const Error&) {  // a device that fails does so again, where the step waits for it
    }
    note_(kernel, work, seconds() - begin_);
  }

 private:
  Backend& backend_;
  Note note_;
  double begin_ = 0;
};

struct Sums {
  int calls = 0;
  double flop = 0, bytes = 0;
  std::vector<double> seconds;  ///< one for each step
};

std::string line_of(const std::string& kernel, const std::string& problem, const LayerTime& row) {
  const double ms = 1e3 * row.seconds;
  const std::string rate = row.flop > 0 ? fmt::format("{:.0f}", 1e-9 * row.flop / row.seconds) : "-";
  return fmt::format("{:<26}{:<34}{:>5}{:>10.2f}{:>8.1f}{:>9}{:>8.1f}{:>10.2f}\n", kernel, problem, row.calls, ms,
                     100 * row.share, rate, 1e-9 * row.bytes / row.seconds, row.of_roofline);
}

/// The rows of each kernel together, the longest first.
std::vector<LayerTime> by_kernel(const LayerTable& table) {
  std::map<std::string, LayerTime> sums;
  for (const LayerTime& row : table.rows) {
    LayerTime& sum = sums.try_emplace(row.kernel, LayerTime{row.kernel, "all", 0, 0, 0, 0, 0, 0}).first->second;
    sum.calls += row.calls;
    sum.seconds += row.seconds;
    sum.share += row.share;
    sum.flop += row.flop;
    sum.bytes += row.bytes;
    sum.of_roofline += row.of_roofline * row.seconds;
  }
  std::vector<LayerTime> rows;
  for (auto& [kernel, sum] : sums) {
    sum.of_roofline /= sum.seconds;
    rows.push_back(sum);
  }
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return rows;
}

}  // namespace

Peaks measure_peaks(Backend& backend, DType compute) {
  Peaks peaks{0, 0};
  // Large enough that the time of a launch does not matter, on a GPU a thousand times as fast as a processor.
  const bool on_gpu = backend.device().kind == DeviceKind::cuda;
  const std::int64_t images = on_gpu ? 512 : 16;
  for (const std::int64_t channels : {256, 512, 1024}) {
    // 1x1: no method saves multiplications.
    const Tensor x = random_tensor(backend, {images, 14, 14, channels}, compute);
    const Tensor w = random_tensor(backend, {channels, 1, 1, channels}, param_dtype(compute));
    Tensor y = backend.empty(x.shape(), compute);
    const double flop = 2.0 * static_cast<double>(x.size()) * static_cast<double>(channels);
    const double time = shortest(backend, [&] { backend.conv2d_forward({1, 0}, x, w, y); });
    peaks.flop_per_s = std::max(peaks.flop_per_s, flop / time);
  }
  const Tensor from = random_tensor(backend, {std::int64_t{1} << (on_gpu ? 28 : 26)}, param_dtype(compute));
  Tensor to = backend.empty(from.shape(), from.dtype());
  const double time = shortest(backend, [&] { backend.relu_forward(from, to); });
  peaks.bytes_per_s = 2 * static_cast<double>(from.bytes()) / time;
  return peaks;
}

LayerTable bench_layers(Backend& backend, DType compute, const StepBenchOptions& options) {
  LayerTable table{measure_peaks(backend, compute), {}, 0, 0};
  const double overhead = call_overhead(backend);
  std::vector<double> ops(static_cast<std::size_t>(options.steps));  // all of a step's
  std::map<std::pair<std::string, std::string>, Sums> sums;
  int step = -options.warmup;
  StepBenchOptions one_by_one = options;
  one_by_one.capture = false;  // what is replayed is not timed kernel by kernel
  StepBench bench(backend, compute, one_by_one);
  const KernelTimer timer(backend, [&](const char* kernel, const KernelWork& work, double taken) {
    if (step < 0) return;
    Sums& sum = sums[{kernel, work.problem}];
    sum.seconds.resize(static_cast<std::size_t>(options.steps));
    sum.seconds[static_cast<std::size_t>(step)] += std::max(taken - overhead, kResolution);
    ops[static_cast<std::size_t>(step)] += taken;
    if (step > 0) return;
    ++sum.calls;
    sum.flop += work.flop;
    sum.bytes += work.bytes;
  });
  std::vector<double> steps = time_steps(options, [&] {
    bench.run();
    ++step;
  });
  table.step_seconds = median(steps);
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] -= ops[i];
  table.between_seconds = median(steps);

  double all = 0;
  for (const auto& [key, sum] : sums) {
    const double seconds = median(sum.seconds);
    const double ideal = std::max(sum.flop / table.peaks.flop_per_s, sum.bytes / table.peaks.bytes_per_s);
    table.rows.push_back({key.first, key.second, sum.calls, seconds, 0, sum.flop, sum.bytes, ideal / seconds});
    all += seconds;
  }
  for (LayerTime& row : table.rows) row.share = row.seconds / all;
  std::sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return table;
}

std::string to_text(const LayerTable& table) {
  const std::string head = fmt::format("{:<26}{:<34}{:>5}{:>10}{:>8}{:>9}{:>8}{:>10}\n", "op", "on", "calls", "ms",
                                       "share %", "GFLOP/s", "GB/s", "roofline");
  std::string text = head;
  for (const LayerTime& row : table.rows) text += line_of(row.kernel, row.problem, row);
  text += "\n" + head;
  for (const LayerTime& row : by_kernel(table)) text += line_of(row.kernel, row.problem, row);
  text += fmt::format("\na step: {:.1f} ms, of which {:.1f} ms between ops\n", 1e3 * table.step_seconds,
                      1e3 * table.between_seconds);
  text += fmt::format("peaks: {:.0f} GFLOP/s (1x1 convolutions), {:.1f} GB/s (a ReLU)\n", 1e-9 * table.peaks.flop_per_s,
                      1e-9 * table.peaks.bytes_per_s);
  return text + "roofline: the time that these peaks would take over the time taken\n";
}

nlohmann::ordered_json to_json(const LayerTable& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const LayerTime& row : table.rows)
    rows.push_back({{"op", row.kernel},
                    {"on", row.problem},
                    {"calls", row.calls},
                    {"seconds", row.seconds},
                    {"share", row.share},
                    {"flop", row.flop},
                    {"bytes", row.bytes},
                    {"of_roofline", row.of_roofline}});
  return {{"step_s", table.step_seconds},
          {"between_s", table.between_seconds},
          {"peak_flop_per_s", table.peaks.flop_per_s},
          {"peak_bytes_per_s", table.peaks.bytes_per_s},
          {"rows", rows}};
}

}  // namespace tandem
