#include "cuda/cudnn/convolutions.h"

#include <algorithm>
#include <limits>

#include "cuda/kernels/elementwise.h"
#include "cuda/kernels/support/elements.h"
#include "cuda/runtime/captured_graph.h"
#include "cuda/runtime/outside_capture.h"

namespace tandem::cuda {
namespace {

constexpr std::size_t kMostEngines = 16;  // the most that are tried for a problem
constexpr std::size_t kMostPlans = 1024;  // the most that are kept; a network has about 100

std::string choices_file() {
  const std::string folder = cache_folder();
  return folder.empty() ? "" : folder + "/cudnn_convolutions.txt";
}

/// The largest workspace of an engine: as large as its operands, enough for copies of them in another layout.
std::size_t workspace_limit(const ConvolutionProblem& p) {
  constexpr std::size_t kAlways = std::size_t{16} << 20;
  const auto bytes = [](const Shape& shape, DType dtype) {
    return static_cast<std::size_t>(shape.size()) * size_of(dtype);
  };
  return kAlways + bytes(p.x, p.activations) + bytes(p.y(), p.activations) + bytes(p.w, p.weights);
}

/// cuDNN takes inputs by non-const pointer, and does not write to them.
void* pointer(const Tensor& tensor) {
  void* raw = const_cast<void*>(tensor.raw());
  require(reinterpret_cast<std::uintptr_t>(raw) % 16 == 0,
          "convolution: {} {} begins at an address that 16 does not divide", tensor.dtype(), tensor.shape());
  return raw;
}

}  // namespace

Convolutions::Convolutions(const Stream& stream, const kernels::Queue& queue, std::shared_ptr<Arena> arena,
                           const std::string& device, const EngineRules& rules)
    : stream_(stream),
      queue_(queue),
      arena_(std::move(arena)),
      rules_(rules),
      choices_(fmt::format("{}, {}", device, version()), choices_file()),
      // Different engines give different bits. A deterministic run therefore measures only if the next run will find
      // the choice.
      measures_(!rules.deterministic || choices_.is_persistent()) {
  check(cudnnCreate(handle_.receive()));
  check(cudnnSetStream(handle_.get(), stream_.get()));
}

std::string Convolutions::version() {
  const std::size_t version = cudnnGetVersion();
  return fmt::format("cuDNN {}.{}.{}", version / 10000, version % 10000 / 100, version % 100);
}

std::int64_t Convolutions::computed_channels(const Conv2dGeometry& geometry, DType dtype, std::int64_t channels) const {
  if (geometry.groups > 1) return channels;
  // 16 bytes of each pixel at a time.
  const std::int64_t unit = dtype != DType::f32 ? 8 : rules_.tf32 ? 4 : 1;
  return (channels + unit - 1) / unit * unit;
}

Tensor Convolutions::widened(const Tensor& x, std::int64_t channels) {
  const Shape& from = x.shape();
  if (from[3] == channels) return x;
  Tensor wide(arena_, {from[0], from[1], from[2], channels}, x.dtype());
  convert(x, wide);
  return wide;
}

Tensor Convolutions::weights(const Tensor& w, DType dtype, std::int64_t channels) {
  const Shape& from = w.shape();
  if (from[3] == channels && w.dtype() == dtype) return w;
  Tensor converted(arena_, {from[0], from[1], from[2], channels}, dtype);
  convert(w, converted);
  return converted;
}

void Convolutions::convert(const Tensor& from, Tensor& to) {
  const kernels::Element from_type = element(from.dtype()), to_type = element(to.dtype());
  if (from.shape() == to.shape()) return kernels::cast(queue_, from_type, from.raw(), from.size(), to_type, to.raw());
  kernels::resize_channels(queue_, from_type, from.raw(), from.dim(0) * from.dim(1) * from.dim(2), from.dim(3), to_type,
                           to.raw(), to.dim(3));
}

void Convolutions::forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) {
  const std::int64_t channels = computed_channels(geometry, x.dtype(), w.dim(3));
  const Tensor in = widened(x, geometry.groups * channels), filter = weights(w, x.dtype(), channels);
  run({Direction::forward, x.dtype(), x.dtype(), geometry, in.shape(), filter.shape()},
      {pointer(in), pointer(filter), pointer(y)});
}

void Convolutions::grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) {
  const Tensor filter = weights(w, dy.dtype(), w.dim(3));
  run({Direction::grad_input, dy.dtype(), dy.dtype(), geometry, dx.shape(), w.shape()},
      {pointer(dx), pointer(filter), pointer(dy)});
}

void Convolutions::grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) {
  const std::int64_t channels = computed_channels(geometry, x.dtype(), dw.dim(3));
  const Tensor in = widened(x, geometry.groups * channels);
  const bool direct = channels == dw.dim(3) && x.dtype() == dw.dtype();
  Tensor result = direct ? dw : Tensor(arena_, {dw.dim(0), dw.dim(1), dw.dim(2), channels}, x.dtype());
  run({Direction::grad_weight, x.dtype(), x.dtype(), geometry, in.shape(), result.shape()},
      {pointer(in), pointer(result), pointer(dy)});
  if (!direct) convert(result, dw);
}

void Convolutions::run(const ConvolutionProblem& problem, const Operands& operands) {
  const Plan plan = plan_for(problem, operands);
  if (keeper_) keeper_->push_back(plan);
  run(*plan, operands);
}

void Convolutions::run(const EnginePlan& plan, const Operands& operands) {
  Tensor workspace(arena_, {static_cast<std::int64_t>(plan.workspace_bytes())}, DType::u8);
  plan.run(handle_.get(), operands.x, operands.w, operands.y, workspace.raw());
}

Convolutions::Plan Convolutions::plan_for(const ConvolutionProblem& problem, const Operands& operands) {
  std::string name = problem.name();
  if (const auto known = plans_.find(name); known != plans_.end()) return known->second;
  const OutsideCapture outside;  // loading an engine's code must not be captured
  if (plans_.size() >= kMostPlans) plans_.clear();
  return plans_[std::move(name)] = choose_plan(problem, problem.name(), operands);
}

Convolutions::Plan Convolutions::choose_plan(const ConvolutionProblem& problem, const std::string& name,
                                             const Operands& operands) {
  const CudnnTarget target{handle_.get(), nullptr};
  const Descriptor graph = operation_graph(target, problem);
  const std::vector<Engine> engines = find_engines(target, problem, graph, rules_, kMostEngines);
  std::vector<std::string> names;
  names.reserve(engines.size());
  for (const Engine& engine : engines) names.push_back(engine.name);
  const std::string rules = fmt::format("{}{}", rules_.tf32 ? " tf32" : "", rules_.deterministic ? "" : " any order");
  if (const auto known = choices_.find(name + rules, names))
    if (auto plan = EnginePlan::make(target, engines[*known])) {
      choices_.adopt({{name + rules, names[*known]}});
      return std::make_shared<const EnginePlan>(std::move(*plan));
    }

  const bool measures = measures_ && !keeper_;
  std::vector<Plan> plans;
  Plan oversized;  // a plan with too large a workspace is better than none
  names.clear();
  for (const Engine& engine : engines) {
    auto made = EnginePlan::make(target, engine);
    if (!made) continue;
    auto plan = std::make_shared<const EnginePlan>(std::move(*made));
    if (plan->workspace_bytes() > workspace_limit(problem)) {
      if (!oversized) oversized = std::move(plan);
      continue;
    }
    plans.push_back(std::move(plan));
    names.push_back(engine.name);
    if (!measures) break;
  }
  if (plans.empty() && oversized) return oversized;
  require(!plans.empty(), "convolution: {} has no engine for {}{}: {} suggested, none could be made ready{}", version(),
          name, rules, engines.size(), engines.empty() ? "" : "; the last: " + last_cudnn_error());
  if (!measures) {
    choices_.adopt({{name + rules, names[0]}});  // a run that goes on keeps to it, where it may measure, too
    return plans[0];
  }
  return plans[choices_.choose(name + rules, names, [&](std::size_t i) { return time(*plans[i], operands); })];
}

/// Infinity for an engine that cannot be run, for example for lack of memory, or that cannot be captured.
double Convolutions::time(const EnginePlan& plan, const Operands& operands) {
  try {
    keep_busy();
    stream_.record(begin_);
    run(plan, operands);
    stream_.record(end_);
    end_.wait();
    const double seconds = end_.seconds_since(begin_);
    const bool captured = can_be_captured(stream_, [&] { run(plan, operands); });
    return captured ? seconds : std::numeric_limits<double>::infinity();
  } catch (const Error&) {
    return std::numeric_limits<double>::infinity();
  }
}

/// Gives the device about 60 us of work. The next launches then wait for the device, as in a captured step, instead of
/// the device for the host, and they find nothing in the device's cache.
void Convolutions::keep_busy() {
  constexpr int kTimes = 4;
  Tensor scratch(arena_, {std::int64_t{32} << 20}, DType::u8);
  for (int i = 0; i < kTimes; ++i) check(cudaMemsetAsync(scratch.raw(), 0, scratch.bytes(), stream_.get()));
}

}  // namespace tandem::cuda
