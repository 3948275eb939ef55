#include "inference/model/caffe_config.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "inference/model/import.h"

namespace tandem {
namespace {

/// Behind those of the same file that are told of no line either.
void add(std::vector<CaffeFinding>& findings, CaffeFinding finding) {
  const auto before = [](const CaffeFinding& a, const CaffeFinding& b) {
    return std::pair(a.file, a.line) < std::pair(b.file, b.line);
  };
  findings.insert(std::upper_bound(findings.begin(), findings.end(), finding, before), std::move(finding));
}

/// The config's "model", with the backbone's keys before the others.
void name_backbone(const BackboneSpec& backbone, nlohmann::ordered_json& config) {
  nlohmann::ordered_json variant = to_json(backbone);
  nlohmann::ordered_json model = {{"arch", variant["name"]}};
  variant.erase("name");
  if (!variant.empty()) model["resnet"] = std::move(variant);
  model.update(config["model"]);
  config["model"] = std::move(model);
}

}  // namespace

CaffeMigration migrate_caffe_config(const CaffeSources& sources) {
  CaffeMigration migration = migrate_caffe(sources);
  if (!migration.backbone) return migration;
  try {
    const BackboneSpec backbone = backbone_of(sources.net, *migration.backbone);
    if (!backbone.resnet.depths.empty())
      fail_input("{}: a ResNet of {} blocks of {} convolutions, which no model.arch has", sources.net.string(),
                 fmt::join(backbone.resnet.depths, ", "), migration.backbone->bottleneck ? 3 : 2);
    name_backbone(backbone, migration.config);
  } catch (const InputError& e) {
    add(migration.findings,
        {CaffeFinding::Kind::missing, sources.net.filename().string(), 0, backbone_is_missing(sources.net, e)});
  }
  return migration;
}

}  // namespace tandem
