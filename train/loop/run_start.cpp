#include "train/loop/run_start.h"

#include "inference/model/import.h"
#include "train/checkpoint/resume_check.h"
#include "train/checkpoint/run_folder.h"
#include "train/config/architecture.h"

namespace tandem {
namespace {

/// Says what means something else from here on than it did before.
void report_changes(const CheckpointInfo& before, const Session& session, RunState& state, std::ostream& out) {
  const int epochs_before = before.config.train.epochs, epochs = session.epochs.count();
  if (epochs != epochs_before)
    out << fmt::format("train.epochs is {}, it was {}: the schedule now ends after step {}, not {}\n", epochs,
                       epochs_before, session.epochs.total_steps(), session.epochs.end_of(epochs_before - 1));
  if (!before.state.computed_on.empty() && before.state.computed_on != state.computed_on)
    out << fmt::format("computed in {} so far: from here on, rounding may differ\n", before.state.computed_on);
  // A checkpoint of an earlier version does not say what was evaluated.
  const bool same = before.state.eval_list ? before.state.eval_list == state.eval_list : session.eval_list != nullptr;
  out << session.control.go_on(state, !same);
}

}  // namespace

Config with_architecture(Config config, bool resume, std::ostream& out) {
  ModelConfig& model = config.model;
  if (model.arch != kAutoArch) return config;
  const std::filesystem::path last = RunFolder::last_in(config.output);
  const bool resumes = resume && std::filesystem::exists(last);
  const std::filesystem::path file = resumes ? last : std::filesystem::path(model.weights.value_or(""));
  const BackboneSpec backbone = backbone_in(file, resumes ? "" : model.weights_key.value_or(""));
  set_backbone(backbone, file.string(), model);
  nlohmann::ordered_json variant = to_json(backbone);
  variant.erase("name");
  out << fmt::format("model.arch: {}{}, as {} has it\n", model.arch,
                     variant.empty() ? "" : " with model.resnet " + variant.dump(), file.string());
  return config;
}

RunState begin_anew(Session& session, std::ostream& out) {
  const ModelConfig& model = session.config.model;
  if (const auto& weights = model.weights) {
    const InitialWeights initial =
        load_initial_weights(*weights, model.weights_key.value_or(""), model.weights_skip, session.backend,
                             session.model, InputDescription(model.input, session.config.data.image_size));
    out << fmt::format("weights from {}\n", *weights) << summarise_match(initial.match, initial.weights.origins);
    for (const std::string& note : initial.weights.notes) out << note << '\n';
    if (session.ema) session.ema->restart();
  }
  return session.first_state();
}

RunState resume(Session& session, const std::filesystem::path& path, std::ostream& out) {
  const Checkpoint checkpoint(path);
  const RunState first = session.first_state();
  check_resumable(path, checkpoint.info(), {session.config, session.train_list->classes(), first});
  RunState state = checkpoint.info().state;
  if (state.epoch_sums.size() != first.epoch_sums.size())
    fail_input("{}: cannot resume: its state has {} losses, expected {}", path.string(), state.epoch_sums.size(),
               first.epoch_sums.size());
  const std::int64_t total = session.epochs.total_steps();
  if (state.step > total)
    fail_input("{}: cannot resume: the run has done {} steps, train.epochs {} makes {}", path.string(), state.step,
               session.epochs.count(), total);
  session.backend.adopt(state.autotune);  // before anything is computed
  checkpoint.load_model(session.backend, session.model);
  checkpoint.load_optimizer(session.backend, *session.optimizer);
  if (session.ema) checkpoint.load_ema(session.backend, *session.ema);
  // A run whose precision is "auto" may go on in another one.
  if (!first.loss_scale || !state.loss_scale) state.loss_scale = first.loss_scale;
  state.eval_list = first.eval_list;
  state.computed_on = first.computed_on;
  out << fmt::format("resumed from {} after step {} of {}\n", path.string(), state.step, total);
  report_changes(checkpoint.info(), session, state, out);
  return state;
}

}  // namespace tandem
