#include "train/finetune/freezing.h"

#include <algorithm>

#include "layers/freezing.h"
#include "layers/parameter_pattern.h"

namespace tandem {
namespace {

/// The parameters that fit a pattern of the config. InputError if there are none.
std::vector<std::string> fitting(TwinTowers& model, const std::string& pointer, const std::string& pattern) {
  std::vector<std::string> names = parameters_that_fit(model, pattern);
  if (names.empty())
    fail_input("{}: \"{}\" fits no parameter; expected a pattern of {}, or backbone.* for all but the heads", pointer,
               pattern, known_parameters(model.parameters()));
  return names;
}

/// Whether a loss trains a parameter that is not frozen.
bool trains(TwinTowers& model, const std::set<std::string>& frozen, const TrainedHeads& heads) {
  const std::vector<NamedTensor> parameters = model.parameters();
  return std::any_of(parameters.begin(), parameters.end(), [&](const NamedTensor& p) {
    if (frozen.contains(p.name)) return false;
    if (p.name.starts_with("fc.")) return heads.classifier;
    return !p.name.starts_with("embedding.") || heads.embedding;
  });
}

}  // namespace

Freezing::Freezing(TwinTowers& model, const FinetuneOptions& options, const TrainedHeads& heads, const Epochs& epochs)
    : model_(model), options_(options) {
  std::set<std::string> frozen;
  for (std::size_t i = 0; i < options.freeze.size(); ++i)
    for (std::string& name : fitting(model, fmt::format("/finetune/freeze/{}", i), options.freeze[i]))
      frozen.insert(std::move(name));
  stages_.push_back({0, 0, frozen});
  for (std::size_t i = 0; i < options.unfreeze.size(); ++i) {
    const auto& [after_epochs, patterns] = options.unfreeze[i];
    const std::string pointer = fmt::format("/finetune/unfreeze/{}/patterns", i);
    const std::size_t before = frozen.size();
    for (std::size_t k = 0; k < patterns.size(); ++k)
      for (const std::string& name : fitting(model, fmt::format("{}/{}", pointer, k), patterns[k])) frozen.erase(name);
    if (frozen.size() == before)
      fail_input("{}: nothing that is frozen by then fits, expected a pattern that does", pointer);
    stages_.push_back({epochs.begin_of(after_epochs), after_epochs, frozen});
  }
  if (!trains(model, stages_.front().frozen, heads))
    fail_input("/finetune/freeze: leaves nothing that a loss trains, expected fewer patterns");
}

bool Freezing::apply(std::int64_t step) {
  std::size_t stage = stages_.size() - 1;
  while (stages_[stage].first_step > step) --stage;
  if (stage == applied_) return false;
  applied_ = stage;
  freeze(model_, stages_[stage].frozen, options_.freeze_statistics);
  return true;
}

std::string Freezing::description() const {
  std::string text;
  const std::vector<NamedTensor> parameters = model_.parameters();
  for (const Stage& stage : stages_) {
    if (stages_.size() == 1 && stage.frozen.empty()) break;
    std::int64_t trained = 0;
    for (const NamedTensor& p : parameters)
      if (!stage.frozen.contains(p.name)) trained += p.tensor().size();
    text += fmt::format("{}: {} of {} tensors are trained, {:.2f} M parameters\n",
                        stage.epochs == 0 ? "at first" : fmt::format("after epoch {}", stage.epochs),
                        parameters.size() - stage.frozen.size(), parameters.size(), static_cast<double>(trained) / 1e6);
  }
  if (options_.freeze_statistics) text += "batch norm keeps its running statistics\n";
  return text;
}

}  // namespace tandem
