#include "cuda/cudnn/engines.h"

#include <algorithm>
#include <array>

namespace tandem::cuda {
namespace {

// New in cuDNN 9.8; the headers before it lack the names.
constexpr auto kHeuristicsDevice = static_cast<cudnnBackendAttributeName_t>(204);  // CUDNN_ATTR_ENGINEHEUR_DEVICEPROP
constexpr auto kPlanDevice = static_cast<cudnnBackendAttributeName_t>(407);  // CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP
// The number of kinds to ask for. The headers count all kinds; an older library may know fewer.
constexpr std::size_t kMostKnobs = 32, kMostNotes = 8;

bool allowed(const Descriptor& engine, DType factors, const EngineRules& rules) {
  const auto notes = engine.get_all<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, kMostNotes);
  const auto has = [&](cudnnBackendNumericalNote_t note) {
    return std::find(notes.begin(), notes.end(), note) != notes.end();
  };
  if (rules.deterministic && has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return false;
  if (has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) || has(CUDNN_NUMERICAL_NOTE_FFT) ||
      has(CUDNN_NUMERICAL_NOTE_WINOGRAD))
    return false;
  // Tensor cores take no f32 factors: they round them to TF32, and down-converting engines to less.
  if (factors != DType::f32 || rules.tf32) return true;
  return !has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) && !has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
}

std::string name_of(const Descriptor& engine, const Descriptor& config) {
  std::string name = std::to_string(engine.get<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
  for (const Descriptor& knob :
       config.get_descriptors(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, kMostKnobs))
    name += fmt::format(" {}={}", static_cast<int>(knob.get<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE)),
                        knob.get<std::int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE));
  return name;
}

/// The engines that one mode of cuDNN's heuristics suggests; none if it does not know the operation.
std::vector<Descriptor> suggestions(const CudnnTarget& target, const Descriptor& graph, cudnnBackendHeurMode_t mode) {
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  if (target.device) heuristics.set(kHeuristicsDevice, *target.device);
  if (!heuristics.finalize_if_supported()) return {};
  return heuristics.get_descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                                    heuristics.count(CUDNN_ATTR_ENGINEHEUR_RESULTS));
}

}  // namespace

std::vector<Engine> find_engines(const CudnnTarget& target, const ConvolutionProblem& problem, const Descriptor& graph,
                                 const EngineRules& rules, std::size_t limit) {
  std::vector<Engine> found;
  const auto add_from = [&](cudnnBackendHeurMode_t mode, std::size_t enough) {
    for (Descriptor& config : suggestions(target, graph, mode)) {
      if (found.size() >= enough) return;
      auto engines = config.get_descriptors(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1);
      if (engines.empty() || !allowed(engines[0], problem.activations, rules)) continue;
      std::string name = name_of(engines[0], config);
      const auto same = [&](const Engine& other) { return other.name == name; };
      if (std::none_of(found.begin(), found.end(), same)) found.push_back({std::move(config), std::move(name)});
    }
  };
  add_from(CUDNN_HEUR_MODE_A, (limit * 2 + 2) / 3);
  add_from(CUDNN_HEUR_MODE_B, limit);
  add_from(CUDNN_HEUR_MODE_FALLBACK, limit);
  return found;
}

std::optional<EnginePlan> EnginePlan::make(const CudnnTarget& target, const Engine& engine) {
  Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  if (target.handle) plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, target.handle);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, engine.config);
  if (target.device) plan.set(kPlanDevice, *target.device);
  if (!plan.finalize_if_supported()) return std::nullopt;
  const auto bytes = plan.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
  return EnginePlan(std::move(plan), static_cast<std::size_t>(bytes));
}

void EnginePlan::run(cudnnHandle_t handle, void* x, void* w, void* y, void* workspace) const {
  const std::array<std::int64_t, 3> operands{static_cast<std::int64_t>(Operand::x),
                                             static_cast<std::int64_t>(Operand::w),
                                             static_cast<std::int64_t>(Operand::y)};
  const std::array<void*, 3> pointers{x, w, y};
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::span<const std::int64_t>(operands));
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, std::span<void* const>(pointers));
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace);
  pack.finalize();
  check(cudnnBackendExecute(handle, plan_.get(), pack.get()));
}

}  // namespace tandem::cuda
