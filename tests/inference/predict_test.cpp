#include "inference/predict.h"

#include "data/list/image_list.h"
#include "layers/initialise.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

/// Five images of two classes, and a small network for them.
struct Job {
  test::TempDir dir;
  std::shared_ptr<Backend> backend = make_cpu_backend();
  TwinTowers model{*backend, DType::f32, {{"resnet18"}, 2, {4}}};
  PredictOptions options;

  Job() {
    initialise(*backend, model, 1);
    options.input = 32;
    options.batch = 2;
    const std::string picture = std::string(TANDEM_TEST_DATA) + "/data/images/rgb.png";
    std::string list;
    for (int i = 0; i < 5; ++i) list += picture + " " + std::to_string(i % 2) + "\n";
    dir.write("list.txt", list);
  }
  Predictions run(const std::function<bool()>& stop = {}) {
    const ImageList list = ImageList::load((dir / "list.txt").string(), "", {});
    return predict(*backend, DType::f32, model, list, options, stop);
  }
};

TEST_CASE("a prediction stops after the batch in which it is told to") {
  Job job;
  int asked = 0;
  CHECK_THROWS_AS(job.run([&] { return ++asked == 2; }), PredictionStopped);
  CHECK(asked == 2);
  CHECK(job.run([] { return false; }).labels.size() == 5);
}

TEST_CASE("a prediction without vectors has the same logits and keeps no embedding") {
  Job job;
  const Predictions with = job.run();
  CHECK(with.embeddings.size() == 5 * 4);
  job.options.vectors = false;
  const Predictions without = job.run();
  CHECK(without.embeddings.empty());
  CHECK(without.logits == with.logits);
}

}  // namespace
}  // namespace tandem
