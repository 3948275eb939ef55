#include "weights/caffe/migration/migration.h"

#include <algorithm>
#include <cmath>

#include "weights/caffe/migration/parts.h"
#include "weights/caffe/migration/solver.h"
#include "weights/content.h"

namespace tandem {
namespace {

/// Tells of every layer that the config does not say.
void list_layers(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  std::set<const caffe::LayerParameter*> used;
  for (const int node : parts.used) used.insert(net.graph[node].layer);
  for (const auto& layers : parts.dropouts) used.insert(layers.begin(), layers.end());
  for (const caffe::LayerParameter& layer : net.net.layer()) {
    const std::string name = fmt::format("the layer {} ({})", layer.name(), layer.type());
    const bool test_data = layer.bottom_size() == 0 && !in_phase(layer, caffe::TRAIN);
    const bool told = std::any_of(notes.draft().findings.begin(), notes.draft().findings.end(),
                                  [&](const auto& finding) { return finding.what.find(printable(name)) == 0; });
    if (used.contains(&layer) || layer.type() == "Split" || layer.type() == "Silence" || test_data || told) continue;
    if (layer.type() == "Accuracy")
      notes.differs(net.at(layer), name + ": each evaluation gives top-1 and top-5");
    else
      notes.missing(net.at(layer), name);
  }
}

/// How long the run is: Caffe counts steps, a config epochs.
void migrate_length(const caffe::SolverParameter& solver, std::int64_t images, CaffeNotes& notes) {
  const auto& pairs = notes.config()["pairs"];
  const auto batch = pairs.contains("batch") ? pairs["batch"].get<double>() : 0;
  const double shown =
      static_cast<double>(solver.max_iter()) * batch * static_cast<double>(notes.draft().batches_a_step);
  if (solver.max_iter() < 1) {
    notes.todo({{"max_iter", -1}}, "max_iter: the length of the run is left as it is");
  } else if (images < 1) {
    notes.todo(
        {{"max_iter", -1}},
        fmt::format("max_iter {}: set train.epochs to {} divided by the number of training images, or give --images",
                    solver.max_iter(), static_cast<std::int64_t>(std::min(shown, 1e18))));
  } else {
    notes.config()["train"]["epochs"] =
        static_cast<std::int64_t>(std::clamp(std::ceil(shown / static_cast<double>(images)), 1.0, 1e6));
  }
}

/// The sections in the order of docs/config.md.
nlohmann::ordered_json in_order(const nlohmann::ordered_json& config) {
  nlohmann::ordered_json ordered = nlohmann::ordered_json::object();
  for (const char* key : {"seed", "device", "output", "model", "data", "pairs", "loss", "optimizer", "schedule",
                          "finetune", "train", "checkpoint"})
    if (config.contains(key)) ordered[key] = config[key];
  return ordered;
}

void sort(std::vector<CaffeFinding>& findings) {
  std::stable_sort(findings.begin(), findings.end(), [](const CaffeFinding& a, const CaffeFinding& b) {
    return std::pair(a.file, a.line) < std::pair(b.file, b.line);
  });
}

}  // namespace

std::string describe(const CaffeFinding& finding) {
  const char* kind = finding.kind == CaffeFinding::Kind::todo      ? "to do"
                     : finding.kind == CaffeFinding::Kind::differs ? "differs"
                                                                   : "no counterpart";
  return fmt::format("{}:{}{}: {}", finding.file, finding.line > 0 ? std::to_string(finding.line) + ": " : " ", kind,
                     finding.what);
}

std::string backbone_is_missing(const std::filesystem::path& net, const InputError& why) {
  std::string text = why.what();
  if (const std::string prefix = net.string() + ": "; text.starts_with(prefix)) text = text.substr(prefix.size());
  return "the backbone: " + text + "; model.arch is left as it is";
}

CaffeMigration migrate_caffe(const CaffeSources& sources) {
  caffe::SolverParameter solver;
  const Prototxt solver_text(sources.solver, solver, "a solver");
  caffe::NetParameter net;
  const Prototxt net_text(sources.net, net, "a network");
  const int old_layers = net.layers_size();
  upgrade_caffe(net);
  if (net.layer().empty()) refuse_file(sources.net, "has no layers, expected a network as a prototxt");

  CaffeDraft draft;
  CaffeNotes solver_notes(solver_text, draft), net_notes(net_text, draft);
  migrate_solver(solver, sources.weights, solver_notes);
  const CaffeTraining training(net, old_layers);
  const SiameseParts parts = find_siamese(training, net_notes);
  migrate_losses(training, parts, net_notes);
  std::optional<ResNetShape> backbone = migrate_backbone(training, parts, net_notes);
  const std::int64_t listed = migrate_data(training, parts, net_notes);
  migrate_length(solver, sources.images > 0 ? sources.images : listed, solver_notes);
  list_layers(training, parts, net_notes);
  net_notes.list_unknown();
  sort(draft.findings);
  return {in_order(draft.config), std::move(backbone), std::move(draft.findings)};
}

}  // namespace tandem
