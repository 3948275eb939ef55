// The config that a network and a solver of Caffe's become has the name of its backbone.

#include "inference/model/caffe_config.h"

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/caffe_siamese.h"

namespace tandem {
namespace {

using nlohmann::json;

TEST_CASE("the backbone of Caffe's network has the name and the differences that a config has for it") {
  const test::TempDir folder;
  const auto migrate = [&](const test::SiameseText& net) {
    return migrate_caffe_config(
        {folder.write("solver.prototxt", test::solver_text()), folder.write("train.prototxt", net.text()), "", 0});
  };
  test::SiameseText net;
  net.depths = {3, 4, 6, 3};
  net.bottleneck = net.stride_on_1x1 = true;
  net.width = 4;
  json model = migrate(net).config["model"];
  CHECK(model["arch"] == "resnet50");
  CHECK(model["resnet"] == json({{"width", 4}, {"stem_width", 8}, {"stride_on", "1x1"}, {"pool", "caffe"}}));
  CHECK(model["classes"] == 12);

  net = {};
  model = migrate(net).config["model"];
  CHECK(model["arch"] == "resnet18");
  CHECK(model["resnet"] == json({{"width", 8}, {"stem_width", 8}, {"pool", "caffe"}}));
}

TEST_CASE("a backbone of Caffe's that a config cannot name is told, among the findings of its file") {
  const test::TempDir folder;
  test::SiameseText net;
  net.depths = {1, 2, 1, 1};
  const CaffeMigration migration = migrate_caffe_config(
      {folder.write("solver.prototxt", test::solver_text()), folder.write("train.prototxt", net.text()), "", 0});
  CHECK_FALSE(migration.config["model"].contains("arch"));
  CHECK_FALSE(migration.config["model"].contains("resnet"));
  std::vector<std::string> told;
  for (const CaffeFinding& finding : migration.findings) told.push_back(describe(finding));
  CHECK(std::count(told.begin(), told.end(),
                   "train.prototxt: no counterpart: the backbone: a ResNet of 1, 2, 1, 1 blocks of 2 convolutions, "
                   "which no model.arch has; model.arch is left as it is") == 1);
  CHECK(std::is_sorted(migration.findings.begin(), migration.findings.end(), [](const auto& a, const auto& b) {
    return std::pair(a.file, a.line) < std::pair(b.file, b.line);
  }));
}

}  // namespace
}  // namespace tandem
