// Runs that freeze, unfreeze and drop, as their user sees them: killed and resumed, on any number of threads.

#include <filesystem>

#include "tests/support/errors.h"
#include "tests/support/same_run.h"
#include "train/config/config.h"

namespace tandem {
namespace {

using test::check_refused;
using test::check_same_run;
using test::has_part;
using test::ProgramOptions;
using test::TinyRun;

/// Heads alone in the first epoch (3 steps), stages 3 and 4 with them in the second (2 steps), then everything.
const std::vector<std::string> kStages = {
    R"(finetune.freeze=["backbone.*"])",
    R"(finetune.unfreeze=[{"after_epochs": 1, "patterns": ["layer3.*", "layer4.*"]}, {"after_epochs": 2}])",
    "model.dropout=0.3", "model.stochastic_depth=0.3", "checkpoint.every_steps=1"};

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// The bytes of a checkpoint's tensor.
std::string bytes_in(const SafetensorsFile& file, const std::string& name) {
  const SafetensorsEntry* tensor = file.find(name);
  INFO(name);
  REQUIRE(tensor != nullptr);
  return {reinterpret_cast<const char*>(tensor->data.data()), tensor->data.size()};
}

/// Whether a tensor holds nothing but zeros.
bool is_zero(const std::string& bytes) { return bytes.find_first_not_of('\0') == std::string::npos; }

void check_killed_every(std::ptrdiff_t stride, const std::vector<std::string>& overrides) {
  const TinyRun run;
  run.must_train(with(overrides, {run.output("whole")}));
  const auto logged = [&] { return test::count_lines(test::read_file(run.metrics_file("killed"))); };
  const std::ptrdiff_t lines = test::count_lines(test::read_file(run.metrics_file("whole")));
  int kills = 0;
  for (std::ptrdiff_t line = 1; line < lines; line += stride) {
    test::Program program = run.start(with(overrides, {run.output("killed"), "--resume"}));
    REQUIRE(program.wait_until([&] { return logged() >= line; }));
    program.kill(SIGKILL);
    kills += program.wait().signal == SIGKILL;
  }
  CHECK(kills > 0);
  run.must_train(with(overrides, {run.output("killed"), "--resume"}));
  check_same_run(run, "whole", "killed");
}

TEST_CASE("a run that freezes, unfreezes and drops resumes to the same bits before, across and after each epoch",
          "[slow]") {
  check_killed_every(2, kStages);
}

TEST_CASE("a run that freezes, unfreezes and drops resumes to the same bits wherever it is killed", "[slow]") {
  check_killed_every(1, with(kStages, {"optimizer.type=adamw", "optimizer.lr=0.001"}));
}

TEST_CASE("a run that freezes and drops comes to the same bits on two threads, and read together", "[slow]") {
  const TinyRun run;
  run.must_train(with(kStages, {run.output("one")}));
  ProgramOptions two;
  two.environment = {"OMP_NUM_THREADS=2"};
  run.must_train(with(kStages, {run.output("two"), "data.workers=3"}), two);
  CHECK(run.metrics("two") == run.metrics("one"));
  const SafetensorsFile one(run.last("one")), other(run.last("two"));
  for (const SafetensorsEntry& tensor : one.entries())
    CHECK(bytes_in(other, tensor.name) == bytes_in(one, tensor.name));
  run.must_train(with(kStages, {run.output("later"), "train.losses_every=4"}));
  check_same_run(run, "one", "later");
}

TEST_CASE("what is frozen stays as it is until it is unfrozen") {
  const TinyRun run;
  const std::vector<std::string> steps = with(kStages, {"checkpoint.keep=9"});
  const test::Outcome outcome = run.must_train(steps);
  CHECK(has_part(outcome.error, "at first: 4 of 64 tensors are trained, 0.01 M parameters\nafter epoch 1: "));
  const SafetensorsFile first(run.path("run/checkpoints/step-00000003.safetensors")),
      second(run.path("run/checkpoints/step-00000005.safetensors")),
      third(run.path("run/checkpoints/step-00000008.safetensors"));
  const auto same = [&](const SafetensorsFile& a, const SafetensorsFile& b, const std::string& name) {
    return bytes_in(a, name) == bytes_in(b, name);
  };
  for (const char* name : {"model.conv1.weight", "model.bn1.weight", "model.bn1.running_mean",
                           "model.layer2.1.bn2.running_var", "optimizer.momentum.layer1.0.conv1.weight"}) {
    INFO(name);
    CHECK(same(first, second, name));
    CHECK_FALSE(same(second, third, name));
  }
  for (const char* name : {"model.layer3.0.conv1.weight", "model.layer4.1.bn2.running_mean"})
    CHECK_FALSE(same(first, second, name));
  CHECK(is_zero(bytes_in(first, "optimizer.momentum.layer4.1.conv2.weight")));
  CHECK_FALSE(is_zero(bytes_in(first, "optimizer.momentum.fc.weight")));
}

TEST_CASE("nothing is kept of what is never trained, and a checkpoint that has it all the same resumes") {
  const TinyRun run;
  const std::vector<std::string> overrides = {R"(finetune.freeze=["backbone.*"])",
                                              R"(finetune.unfreeze=[{"after_epochs": 1, "patterns": ["layer4.*"]}])",
                                              "schedule.type=constant", "schedule.warmup=0"};
  run.must_train(with(overrides, {run.output("whole"), "train.epochs=3"}));
  {
    const SafetensorsFile file(run.last("whole"));
    CHECK(file.find("optimizer.momentum.conv1.weight") == nullptr);
    CHECK(file.find("optimizer.momentum.layer3.1.bn2.bias") == nullptr);
    CHECK_FALSE(is_zero(bytes_in(file, "optimizer.momentum.fc.weight")));
    CHECK_FALSE(is_zero(bytes_in(file, "optimizer.momentum.layer4.1.conv2.weight")));
  }
  // Earlier versions kept something of every parameter.
  run.must_train(with(overrides, {run.output("older"), "train.epochs=2"}));
  {
    const SafetensorsFile file(run.last("older"));
    const std::vector<std::byte> zeros(std::size_t{64} * 3 * 7 * 7 * sizeof(float));
    std::vector<SafetensorsEntry> entries(file.entries().begin(), file.entries().end());
    entries.push_back({"optimizer.momentum.conv1.weight", "F32", {64, 3, 7, 7}, zeros});
    write_safetensors(run.path("with_all"), entries, file.metadata());
  }
  std::filesystem::rename(run.path("with_all"), run.last("older"));
  run.must_train(with(overrides, {run.output("older"), "train.epochs=3", "--resume"}));
  check_same_run(run, "whole", "older");
}

TEST_CASE("dropout and stochastic depth change training, and are no part of an evaluation", "[slow]") {
  const TinyRun run;
  const std::vector<std::string> begin = {"train.epochs=1", "schedule.warmup=0"};
  run.must_train(with(begin, {run.output("plain")}));
  // Without a rate nothing is drawn, and the run is the same.
  run.must_train(with(begin, {run.output("off"), "model.dropout=0", "model.stochastic_depth=0.0"}));
  check_same_run(run, "plain", "off");
  for (const char* key : {"model.dropout=0.5", "model.stochastic_depth=0.5"}) {
    std::filesystem::remove_all(run.path("on"));
    run.must_train(with(begin, {run.output("on"), key}));
    CHECK(run.metrics("on") != run.metrics("plain"));
  }
  // With a rate of learning of nearly 0 the evaluation sees the weights that the run begins with, whatever is dropped.
  const std::vector<std::string> still = with(begin, {"optimizer.lr=1e-30", "finetune.freeze_statistics=true"});
  run.must_train(with(still, {run.output("still")}));
  run.must_train(with(still, {run.output("dropping"), "model.dropout=0.9", "model.stochastic_depth=0.9"}));
  CHECK(run.metrics("still").back().at("eval") == run.metrics("dropping").back().at("eval"));
  CHECK(run.metrics("still").back().at("loss") != run.metrics("dropping").back().at("loss"));
}

TEST_CASE("a run that cannot freeze as it is told is refused before it begins") {
  const TinyRun run;
  check_refused(run.train({R"(finetune.freeze=["stage1.*"])"}),
                "/finetune/freeze/0: \"stage1.*\" fits no parameter; expected a pattern of conv1.*, bn1.*, layer1.*");
  check_refused(run.train({R"(finetune.freeze=["*"])"}), "/finetune/freeze: leaves nothing that a loss trains");
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
  run.must_train({"train.epochs=1"});
  check_refused(run.train({"train.epochs=1", "--resume", R"(finetune.freeze=["conv1.*"])"}),
                "/finetune/freeze is [] in this run and [\"conv1.*\"] in the config");
  check_refused(run.train({"train.epochs=1", "--resume", "model.dropout=0.1"}), "/model/dropout is 0.0 in this run");
}

TEST_CASE("a dry run times each part of a run") {
  const TinyRun run;
  const test::Outcome outcome = run.must_train(with(kStages, {"--dry-run"}));
  CHECK(has_part(outcome.error, " s, later "));
  CHECK(has_part(outcome.error, ", the run's 8 steps about 0:0"));
}

TEST_CASE("the recipe for fine-tuning trains on photos of any classes from a file of weights") {
  const TinyRun run;
  // A tiny file of weights: the narrowest ResNet-26, as a run of it leaves it. The recipe finds out what it is.
  const std::vector<std::string> narrow = {"train.epochs=2", "data.image_size=32", "pairs.batch=5",
                                           "device=cpu",     "precision=fp32",     "checkpoint.keep=0"};
  run.must_train({"model.arch=resnet26", "model.resnet.stride_on=1x1", "model.resnet.pool=caffe",
                  "model.resnet.width=2", "model.resnet.stem_width=4", "train.epochs=1", run.output("source")});
  std::vector<std::string> argv = {
      "tandem-train", (std::filesystem::path(TANDEM_TEST_DATA).parent_path() / "configs/finetune.json").string()};
  for (const std::string& override_text :
       with(narrow, {"model.weights=" + run.last("source"), run.output("tuned"),
                     "data.train=" + run.path("set/train.txt"), "data.eval=" + run.path("set/test.txt")})) {
    argv.emplace_back("--set");
    argv.push_back(override_text);
  }
  const test::Outcome outcome = test::run_to_end(argv);
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  const std::string variant =
      R"(model.arch: resnet26 with model.resnet {"width":2,"stem_width":4,"stride_on":"1x1","pool":"caffe"}, as )";
  CHECK(has_part(outcome.error, variant + run.last("source") + " has it\n"));
  CHECK(has_part(outcome.error, "weights from " + run.last("source")));
  CHECK(has_part(outcome.error, "at first: 4 of 91 tensors are trained"));
  CHECK(has_part(outcome.error, "after epoch 1: 91 of 91 tensors are trained"));

  // The run goes on as what it is, though the file that it began with is gone; the option says it, and so does the
  // name.
  std::filesystem::remove_all(run.path("source"));
  argv.insert(argv.end(), {"--set", "train.epochs=3", "--resume"});
  const test::Outcome longer = test::run_to_end(argv);
  INFO(longer.error);
  CHECK(longer.status == 0);
  CHECK(has_part(longer.error, variant + run.last("tuned") + " has it\n"));
}

}  // namespace
}  // namespace tandem
