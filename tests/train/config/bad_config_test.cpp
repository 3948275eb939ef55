// Configs, command lines and folders that cannot be used, as tandem-train meets them.

#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using test::check_refused;
using test::run_to_end;
using test::TinyRun;

TEST_CASE("a config that cannot be used is refused with the place in it") {
  const test::TempDir dir;
  const auto refused = [&](const std::string& content, const std::string& message) {
    const std::string config = dir.write("config.json", content).string();
    INFO(content);
    check_refused(run_to_end({"tandem-train", config}), config + message);
  };
  refused("{\"seed\": 1,\n \"model\": {\"arch\": \"resnet18\" \"classes\": 3}}", ":2:39: syntax error");
  refused("", ":1:1: syntax error");
  refused("[1, 2]", ": the whole config: got [1,2], expected an object");
  refused(R"({"pairs": {"batch": "many"}})", ": /pairs/batch: got \"many\", expected an integer");
  refused(R"({"optimizer": {"lr": -1}})", ": /optimizer/lr: got -1, expected a number");
  refused(R"({"optimizer": {"momentm": 0.5}})", ": /optimizer/momentm: unknown key; did you mean \"momentum\"?");
  refused(R"({"seed": 1})", ": /data/train/list: missing");
  check_refused(run_to_end({"tandem-train", (dir / "nowhere.json").string()}), "nowhere.json: cannot open the config");
  check_refused(run_to_end({"tandem-train", dir.path().string()}), "is a folder, expected a config file");
}

TEST_CASE("an override that cannot be used is refused") {
  const TinyRun run;
  check_refused(run.train({"optimizer.rate=1"}), "--set optimizer.rate=1: /optimizer/rate: unknown key");
  check_refused(run.train({"optimizer.lr=fast"}), "--set optimizer.lr=fast: /optimizer/lr: got \"fast\"");
  check_refused(run.train({"optimizer"}), "--set optimizer: expected path.to.key=value");
  check_refused(run.train({R"(optimizer.groups=[{"match":["head.*"]}])"}),
                "/optimizer/groups/0/match: \"head.*\" fits no parameter, expected a pattern of names such as conv1.");
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

TEST_CASE("a command line that cannot be used is refused") {
  const TinyRun run;
  check_refused(run_to_end({"tandem-train"}), "CONFIG is required");
  check_refused(run.train({"--fast"}), "--fast");
  check_refused(run.train({"--resume=maybe"}), "maybe");
  check_refused(run_to_end({"tandem-train", run.path("config.json"), run.path("config.json")}), "not expected");
  check_refused(run_to_end({"tandem-train", run.path("config.json"), "--set"}), "--set");
  const test::Outcome help = run_to_end({"tandem-train", "--help"});
  CHECK(help.status == 0);
  CHECK(test::has_part(help.out, "--dry-run"));
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

TEST_CASE("a device or a precision that is not there is refused") {
  const TinyRun run;
  check_refused(run.train({"device=cuda:99"}), "cuda:99");
  CHECK_FALSE(test::has_part(run.train({"device=cuda:99"}).error, "--device"));  // an option of other programs
  check_refused(run.train({"device=tpu"}), "/device: got \"tpu\"");
  check_refused(run.train({"precision=fp16"}), "does not compute in fp16");
  check_refused(run.train({"precision=tf32"}), "does not compute in tf32");
  check_refused(run.train({"precision=fp8"}), "/precision: got \"fp8\"");
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

TEST_CASE("an output folder that cannot be made is refused") {
  const TinyRun run;
  run.dir().write("file", "");
  check_refused(run.train({run.output("file/run")}), run.path("file/run") + "/checkpoints: cannot make the folder");
  check_refused(run.train({run.output("file")}), "cannot make the folder");
}

TEST_CASE("files without permission are refused") {
  namespace fs = std::filesystem;
  const TinyRun run;
  test::ProgramOptions options;
  options.obey_permissions = true;
  fs::create_directory(run.path("locked"));
  fs::permissions(run.path("locked"), fs::perms::owner_read | fs::perms::owner_exec);
  check_refused(run.train({run.output("locked")}, options), "cannot make the folder: Permission denied");
  check_refused(run.train({run.output("locked/run")}, options), "cannot make the folder: Permission denied");
  CHECK(fs::is_empty(run.path("locked")));

  fs::create_directories(run.path("run/checkpoints"));
  fs::permissions(run.path("run/checkpoints"), fs::perms::owner_read | fs::perms::owner_exec);
  check_refused(run.train({}, options), "cannot write to the folder: Permission denied");

  fs::permissions(run.path("set/train.txt"), fs::perms::none);
  check_refused(run.train({}, options), run.path("set/train.txt"));
  fs::permissions(run.path("locked"), fs::perms::none);
  check_refused(run_to_end({"tandem-train", run.path("locked/config.json")}, options),
                "locked/config.json: cannot open the config: Permission denied");
  fs::permissions(run.path("locked"), fs::perms::owner_all);
  fs::permissions(run.path("config.json"), fs::perms::none);
  check_refused(run.train({}, options), "config.json: cannot open the config: Permission denied");
}

}  // namespace
}  // namespace tandem
