// What tandem-convert makes of a network and a solver of Caffe's is a config of tandem-train's.

#include "inference/model/caffe_config.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/caffe_siamese.h"
#include "train/config/config.h"

namespace tandem {
namespace {

TEST_CASE("a migrated network and solver are a config") {
  const test::TempDir folder;
  test::SiameseText net;
  net.head_weight_param = "";
  net.head_bias_param = "decay_mult: 0";
  net.weight_param = net.norm_param = "lr_mult: 0";
  const CaffeMigration migration =
      migrate_caffe_config({folder.write("solver.prototxt", test::solver_text("lr_policy: \"fixed\"\n")),
                            folder.write("train.prototxt", net.text()), "w.caffemodel", 1000});
  const Config config = parse_config(migration.config.dump(), "shop.json");
  CHECK(config.model.arch == "resnet18");
  CHECK(config.model.weights == "w.caffemodel");
  CHECK(config.model.resnet == ResNetConfig{8, 8, ResNetConfig::StrideOn::conv3x3, ResNetConfig::Pool::caffe});
  CHECK(config.model.input == InputOptions{InputOptions::Channels::bgr,
                                           1,
                                           {104, 117, 123},
                                           {1, 1, 1},
                                           InputOptions::Resize::squash,
                                           0.25,
                                           Interpolation::bilinear,
                                           false});
  CHECK(config.finetune.freeze == std::vector<std::string>{"backbone.*"});
  CHECK(config.train.epochs == 640);
  CHECK(config.loss.contrastive.form == ContrastiveForm::legacy);
  CHECK(config.optimizer.lr == 0.001);
  CHECK(config.schedule.type == ScheduleOptions::Type::constant);
}

}  // namespace
}  // namespace tandem
