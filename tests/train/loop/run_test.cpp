// A run as its user sees it: what it writes, and that it learns.

#include <cmath>
#include <functional>
#include <numeric>

#include "io/safetensors.h"
#include "tests/support/same_run.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using test::check_refused;
using test::has_part;
using test::Outcome;
using test::TinyRun;

using Shape = std::vector<std::int64_t>;

/// Steps until a run that may not write a whole checkpoint fails with its first, which it names: it may have gone on
/// meanwhile.
int first_saved_step(const TinyRun& run, const std::vector<std::string>& arguments) {
  test::ProgramOptions options;
  options.file_limit = 1 << 20;
  std::filesystem::remove_all(run.path("run"));
  const Outcome outcome = run.train(arguments, options);
  CHECK(outcome.status == 1);
  const std::string before = "error: the checkpoint after step ";
  const std::size_t at = outcome.error.find(before);
  REQUIRE(at != std::string::npos);
  return std::stoi(outcome.error.substr(at + before.size()));
}

TEST_CASE("a dry run checks everything and writes nothing") {
  const TinyRun run;
  const auto before = test::snapshot(run.dir().path());
  const Outcome outcome = run.must_train({"--dry-run"});
  CHECK(has_part(outcome.error, "every image can be decoded"));
  CHECK(has_part(outcome.error, " s, an evaluation 0:0"));
  CHECK(has_part(outcome.error, ", the run's 8 steps about 0:0"));
  CHECK(has_part(outcome.error, "learning rate (cosine): 0.01 in the first step, highest 0.01 in step 1 (epoch 1), "));
  CHECK(has_part(
      outcome.error,
      " MiB of tensors, 42 of them the optimizer's state, and 85 MiB of main memory while a checkpoint is written. "));
  CHECK(has_part(outcome.error, "Nothing was written."));
  CHECK(test::snapshot(run.dir().path()) == before);
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

TEST_CASE("the start of a run says which parameters learn otherwise") {
  const TinyRun run;
  CHECK_FALSE(has_part(run.must_train({"--dry-run"}).error, "learning rate x"));
  const Outcome outcome = run.must_train(
      {"--dry-run", "optimizer.layer_decay=0.5", R"(optimizer.groups=[{"match":["fc.*"],"lr":10,"weight_decay":0}])"});
  CHECK(has_part(outcome.error,
                 "layer decay 0.5: 10 layers, the first one's learning rate x 0.00195\n"
                 "group fc.*: 2 tensors, learning rate x 10, weight decay x 0\n"));
}

TEST_CASE("a dry run finds in the output folder what the run would find, and writes nothing", "[slow]") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  auto before = test::snapshot(run.dir().path());
  check_refused(run.train({"--dry-run"}), run.last() + ": holds a run already; --resume continues it");
  check_refused(run.train({"--dry-run", "--resume", "seed=2"}), run.last() + ": cannot resume: /seed is 1");
  const Outcome resumed = run.must_train({"--dry-run", "--resume"});
  CHECK(has_part(resumed.error, "resumed from " + run.last() + " after step 3 of 8"));
  CHECK(has_part(resumed.error, ", the run's 5 steps about 0:0"));
  run.must_train({"--dry-run", "--resume", "train.epochs=1"});  // which has come to its end
  const Outcome fresh = run.must_train({"--dry-run", "--resume", run.output("other")});
  CHECK(has_part(fresh.error, "no checkpoint in " + run.path("other") + ": starting a new run"));
  CHECK(test::snapshot(run.dir().path()) == before);

  run.dir().write("run/checkpoints/last.safetensors", "junk");
  before = test::snapshot(run.dir().path());
  check_refused(run.train({"--dry-run", "--resume"}), run.last() + ": ");
  check_refused(run.train({"--dry-run", run.output("config.json")}), "cannot make the folder: Not a directory");
  std::filesystem::create_directory(run.path("locked"));
  std::filesystem::permissions(run.path("locked"), std::filesystem::perms::owner_exec);
  test::ProgramOptions options;
  options.obey_permissions = true;
  check_refused(run.train({"--dry-run", run.output("locked/run")}, options),
                "cannot make the folder: Permission denied");
  CHECK(test::snapshot(run.dir().path()) == before);
}

TEST_CASE("a dry run warns of a disk on which the checkpoints do not fit") {
  const TinyRun run;
  const std::string warning = "warning: " + run.path("run") + ": ";
  // A million checkpoints of 90 MB.
  const std::vector<std::string> many = {"--dry-run", "train.epochs=1000000", "checkpoint.keep=1000000"};
  const std::string told = run.must_train(many).error;
  CHECK(has_part(told, warning));
  CHECK(has_part(told, " MiB are free, and the checkpoints take up to "));
  // No more are kept than there are.
  CHECK_FALSE(has_part(run.must_train({"--dry-run", "checkpoint.keep=1000000"}).error, warning));
}

TEST_CASE("a run writes its config with overrides and its metrics") {
  const TinyRun run;
  run.must_train({"train.epochs=2", "optimizer.lr=0.02", "loss.contrastive.form=legacy"});
  const auto config = nlohmann::json::parse(test::read_file(run.path("run/config.json")));
  CHECK(config.at("optimizer").at("lr") == 0.02);
  CHECK(config.at("loss").at("contrastive").at("form") == "legacy");
  CHECK(config.at("train").at("epochs") == 2);
  CHECK(config.at("optimizer").at("momentum") == 0.9);

  const auto events = run.metrics();
  REQUIRE(events.size() == 7);
  double total = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& event = events[i];
    const auto& loss = event.at("loss");
    CHECK(event.at("event") == (i < 3 ? "step" : "epoch"));
    CHECK(event.at("epoch") == 1);
    CHECK(event.at("step") == std::min<std::size_t>(i + 1, 3));
    const double sum = 0.5 * loss.at("softmax_a").get<double>() + 0.5 * loss.at("softmax_b").get<double>() +
                       0.1 * loss.at("contrastive").get<double>();
    CHECK(loss.at("total").get<double>() == Approx(sum).epsilon(1e-5));
    CHECK(event.at("lr").get<double>() > 0);
    if (i < 3) total += loss.at("total").get<double>() / 3;
  }
  CHECK(events[3].at("loss").at("total").get<double>() == Approx(total));
  const double top1 = events[3].at("eval").at("top1").get<double>();
  CHECK((top1 >= 0 && top1 <= 1));
  CHECK(events.back().at("step") == 5);
}

TEST_CASE("a checkpoint holds the names and shapes of torchvision") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const SafetensorsFile file(run.last());
  const std::pair<std::string, Shape> tensors[] = {{"model.conv1.weight", {64, 3, 7, 7}},
                                                   {"model.bn1.weight", {64}},
                                                   {"model.layer1.0.bn1.running_mean", {64}},
                                                   {"model.layer1.0.bn1.running_var", {64}},
                                                   {"model.layer2.0.downsample.0.weight", {128, 64, 1, 1}},
                                                   {"model.layer4.1.conv2.weight", {512, 512, 3, 3}},
                                                   {"model.fc.weight", {3, 512}},
                                                   {"model.fc.bias", {3}},
                                                   {"model.embedding.0.weight", {16, 512}},
                                                   {"optimizer.momentum.conv1.weight", {64, 3, 7, 7}},
                                                   {"optimizer.momentum.fc.bias", {3}}};
  for (const auto& [name, shape] : tensors) {
    INFO(name);
    const SafetensorsEntry* tensor = file.find(name);
    REQUIRE(tensor != nullptr);
    CHECK(tensor->shape == shape);
    CHECK(tensor->dtype == "F32");
  }
  CHECK(file.find("optimizer.momentum.layer1.0.bn1.running_mean") == nullptr);
  CHECK(file.metadata().at("tandem.classes") == R"(["bag","ball","book"])");
  CHECK(nlohmann::json::parse(file.metadata().at("tandem.config")) ==
        nlohmann::json::parse(test::read_file(run.path("run/config.json"))));
}

TEST_CASE("numbered checkpoints stay as many as wanted") {
  const TinyRun run;
  run.must_train({"train.epochs=4", "checkpoint.keep=2"});
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(run.path("run/checkpoints")))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"best.safetensors", "last.safetensors", "step-00000008.safetensors",
                                          "step-00000010.safetensors"});
  CHECK((test::read_file(run.path("run/checkpoints/step-00000010.safetensors")) == test::read_file(run.last())));
}

TEST_CASE("checkpoints are written when they are due") {
  const TinyRun run;
  // Epochs end after the steps 3, 5 and 8.
  CHECK(first_saved_step(run, {"data.eval=null", "checkpoint.every_epochs=2"}) == 5);
  CHECK(first_saved_step(run, {"data.eval=null", "checkpoint.every_epochs=10"}) == 8);
  CHECK(first_saved_step(run, {"data.eval=null", "checkpoint.every_epochs=10", "checkpoint.every_steps=3"}) == 3);
  CHECK(first_saved_step(run, {"data.eval=null", "checkpoint.every_steps=2"}) == 2);
  CHECK(first_saved_step(run, {"data.eval=null", "checkpoint.every_minutes=1e-9"}) == 1);
  CHECK(first_saved_step(run, {"checkpoint.every_epochs=10"}) == 3);  // the first evaluation is the best so far
}

TEST_CASE("a run without the contrastive loss trains with softmax alone") {
  const TinyRun run;
  run.must_train({"train.epochs=1", "loss.contrastive.weight=0"});
  for (const auto& event : run.metrics()) {
    const auto& loss = event.at("loss");
    const double softmax = 0.5 * (loss.at("softmax_a").get<double>() + loss.at("softmax_b").get<double>());
    CHECK(loss.at("total").get<double>() == Approx(softmax).epsilon(1e-5));
  }
}

TEST_CASE("where the classifier is not trained, the best epoch is that of the highest recall@1") {
  // Of the embedding, and of the backbone's features, where a loss trains no head.
  const std::vector<std::vector<std::string>> losses = {
      {"loss.contrastive.weight=1"}, {"loss.contrastive.weight=0", "loss.supcon.weight=1", "loss.supcon.on=features"}};
  for (std::vector<std::string> settings : losses) {
    const TinyRun run;
    settings.insert(settings.end(), {"loss.softmax.weight=0", "train.epochs=3"});
    const auto outcome = run.must_train(settings);
    CHECK(test::has_part(outcome.error, "recall@1 "));
    CHECK_FALSE(test::has_part(outcome.error, "top-1"));
    double highest = -1;
    for (const auto& event : run.metrics())
      if (event.at("event") == "epoch") highest = std::max(highest, event.at("eval").at("recall_at_1").get<double>());
    CHECK(test::state_of(run.last()).at("best_score") == highest);
  }
}

TEST_CASE("a run that goes on elsewhere says so") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string changed = "so far: from here on, rounding may differ";
  CHECK_FALSE(test::has_part(run.must_train({"--resume", "train.epochs=2"}).error, changed));
  const SafetensorsFile file(run.last());
  SafetensorsMetadata metadata = file.metadata();
  nlohmann::json state = nlohmann::json::parse(metadata.at("tandem.state"));
  state["computed_on"] = "fp32 on another machine";
  metadata["tandem.state"] = state.dump();
  write_safetensors(run.last(), file.entries(), metadata);
  CHECK(test::has_part(run.must_train({"--resume", "train.epochs=3"}).error,
                       "computed in fp32 on another machine so far: from here on, rounding may differ"));
}

TEST_CASE("a run starts from the weights of another") {
  const TinyRun run;
  run.must_train({"train.epochs=1", run.output("first")});
  const std::string weights = "model.weights=" + run.last("first");

  // The rate is so small that an f32 weight stays what it was.
  const std::vector<std::string> frozen = {
      "train.epochs=1",           "optimizer.lr=1e-30",       "schedule.warmup=0",
      "optimizer.momentum=0",     "optimizer.nesterov=false", "optimizer.nesterov=false",
      "optimizer.nesterov=false", "optimizer.weight_decay=0", weights};
  std::vector<std::string> same = frozen;
  same.push_back(run.output("same"));
  const Outcome all = run.must_train(same);
  CHECK(has_part(all.error, "weights from " + run.last("first") + "\n"));
  std::filesystem::copy(run.path("set"), run.path("more"), std::filesystem::copy_options::recursive);
  run.dir().write("more/classes.txt", "bag\nball\nbook\nbox\n");
  std::vector<std::string> other = frozen;
  other.insert(other.end(), {run.output("other"), "data.train.list=" + run.path("more/train.txt"),
                             "data.eval.list=" + run.path("more/test.txt"), "model.embedding=[8]"});
  const Outcome some = run.must_train(other);
  CHECK(has_part(some.error,
                 "random     fc.weight                        (4, 512)             F32 (3, 512) in the file\n"));
  CHECK(has_part(some.error, "100 tensors taken\n"));

  const auto bytes = [](const SafetensorsFile& file, const std::string& name) {
    const SafetensorsEntry* tensor = file.find(name);
    REQUIRE(tensor != nullptr);
    return std::vector<std::byte>(tensor->data.begin(), tensor->data.end());
  };
  const SafetensorsFile first(run.last("first")), second(run.last("same")), third(run.last("other"));
  for (const std::string name : {"model.conv1.weight", "model.layer3.0.downsample.0.weight", "model.bn1.bias"}) {
    INFO(name);
    CHECK((bytes(second, name) == bytes(first, name)));
    CHECK((bytes(third, name) == bytes(first, name)));
  }
  CHECK((bytes(second, "model.fc.weight") == bytes(first, "model.fc.weight")));
  CHECK((bytes(second, "model.embedding.0.weight") == bytes(first, "model.embedding.0.weight")));
  CHECK(third.find("model.fc.weight")->shape == Shape{4, 512});
  CHECK(third.find("model.embedding.0.weight")->shape == Shape{8, 512});
}

TEST_CASE("weights that do not fit are refused") {
  const TinyRun run;
  run.must_train({"train.epochs=1", run.output("first")});
  const std::string weights = run.last("first");
  check_refused(run.train({"model.weights=" + weights, "model.arch=resnet50"}), weights + ": layer1.0.conv1.weight is");
  check_refused(run.train({"model.weights=" + weights, "model.arch=resnet34"}),
                weights + ": has no layer1.2.conv1.weight, expected (64, 64, 3, 3)");
  check_refused(run.train({"model.weights=" + run.path("nowhere.safetensors")}), run.path("nowhere.safetensors"));
  check_refused(run.train({"model.weights=" + run.path("config.json")}), run.path("config.json"));
  const std::string content = test::read_file(weights);
  run.dir().write("broken.safetensors", content.substr(0, content.size() - 100));
  check_refused(run.train({"model.weights=" + run.path("broken.safetensors")}), run.path("broken.safetensors"));
  CHECK_FALSE(std::filesystem::exists(run.last()));
}

TEST_CASE("the rate falls where an epoch ends") {
  const TinyRun run;
  run.must_train({"train.epochs=5", "optimizer.lr=0.001", "schedule.type=step", "schedule.warmup=0",
                  "schedule.milestones=[1,4]", "data.eval=null", "checkpoint.every_epochs=5"});
  int steps = 0;
  for (const auto& event : run.metrics())
    if (event.at("event") == "step") {
      INFO("step " << event.at("step"));
      const int epoch = event.at("epoch").get<int>();
      // The first epoch ends with step 3, the fourth with step 10.
      CHECK((epoch > 4) == (event.at("step").get<int>() > 10));
      CHECK(event.at("lr").get<double>() == Approx(epoch > 4 ? 1e-5 : epoch > 1 ? 1e-4 : 1e-3));
      ++steps;
    }
  CHECK(steps == 12);
}

TEST_CASE("the rate falls with each period, and with each epoch", "[slow]") {
  const TinyRun run;
  const std::vector<std::string> both = {"train.epochs=5", "optimizer.lr=0.001", "schedule.warmup=0", "data.eval=null",
                                         "checkpoint.every_epochs=5"};
  const auto check_rates = [&](std::vector<std::string> arguments, const std::function<double(int)>& rate) {
    arguments.insert(arguments.end(), both.begin(), both.end());
    std::filesystem::remove_all(run.path("run"));
    run.must_train(arguments);
    for (const auto& event : run.metrics()) {
      INFO(event.dump());
      CHECK(event.at("lr").get<double>() == Approx(rate(event.at("epoch").get<int>())));
    }
  };
  check_rates({"schedule.type=step", "schedule.period=2"},
              [](int epoch) { return std::pow(0.1, 3 + (epoch - 1) / 2); });
  check_rates({"schedule.type=exponential", "schedule.gamma=0.5"},
              [](int epoch) { return 0.001 * std::pow(0.5, epoch - 1); });
  // Within the run's twelve steps.
  check_refused(run.train({"schedule.type=step", "schedule.unit=steps", "schedule.period=12", run.output("no")}),
                "/schedule/period: got 12, expected a number of steps below the run's 8");
  check_refused(
      run.train({"schedule.type=multistep", "schedule.unit=steps", "schedule.milestones=[2,8]", run.output("no")}),
      "/schedule/milestones: got 8, expected steps below the run's 8");
}

TEST_CASE("thirty steps lower the loss") {
  const TinyRun run;
  // Without augmentation, twelve images are quickly known by heart: 0.18 to 0.34 of the loss is left, as the seed is.
  run.must_train({"train.epochs=10", "pairs.batch=4", "data.eval=null", "checkpoint.every_epochs=10",
                  "data.augment.random_resized_crop=null", "data.augment.flip=false"});
  std::vector<double> losses;
  for (const auto& event : run.metrics())
    if (event.at("event") == "step") losses.push_back(event.at("loss").at("total").get<double>());
  REQUIRE(losses.size() == 30);
  const auto mean = [](auto begin, auto end) { return std::accumulate(begin, end, 0.0) / double(end - begin); };
  const double first = mean(losses.begin(), losses.begin() + 3), last = mean(losses.end() - 6, losses.end());
  INFO("from " << first << " to " << last);
  CHECK(last < 0.6 * first);
}

TEST_CASE("an embedding that collapses is told at the end of the epoch") {
  const TinyRun run;
  const std::string told = "warning: the embeddings have collapsed to a point\n";
  CHECK_FALSE(has_part(run.must_train({"train.epochs=1", run.output("healthy")}).error, told));
  // The first step takes away all of the weights; what the loss puts in their place is little, around 0.
  CHECK(has_part(
      run.must_train({"train.epochs=1", "schedule.type=constant", "schedule.warmup=0", "optimizer.momentum=0",
                      "optimizer.nesterov=false", "optimizer.weight_decay=100", "loss.contrastive.weight=0.0001"})
          .error,
      told));
}

}  // namespace
}  // namespace tandem
