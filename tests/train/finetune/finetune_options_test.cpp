#include "train/finetune/finetune_options.h"

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "train/config/config.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;

Config parse(const std::string& finetune) {
  return parse_config(R"({"data": {"train": {"list": "a"}}, "train": {"epochs": 5}, "finetune": )" + finetune + "}",
                      "my.json");
}

std::string error_in(const std::string& finetune) {
  return error_of([&] { parse(finetune); });
}

TEST_CASE("fine-tuning is read and written with its defaults") {
  const Config config = parse(R"({"freeze": ["conv1.*", "bn1.*"], "unfreeze": [{}, {"after_epochs": 3,
                                  "patterns": ["layer1.*"]}], "freeze_statistics": true})");
  CHECK(config.finetune == FinetuneOptions{{"conv1.*", "bn1.*"}, {{1, {"*"}}, {3, {"layer1.*"}}}, true});
  CHECK(parse_config(to_json(config).dump(), "again.json") == config);
  CHECK(to_json(config)["finetune"]["unfreeze"][0].dump() == R"({"after_epochs":1,"patterns":["*"]})");
}

TEST_CASE("fine-tuning that makes no sense is refused") {
  CHECK(
      error_in(R"({"unfreeze": [{}]})") ==
      "2: my.json: /finetune/unfreeze: got [{\"after_epochs\":1,\"patterns\":[\"*\"]}], expected an empty list, since "
      "/finetune/freeze is empty");
  CHECK(contains(error_in(R"({"freeze": ["*"], "unfreeze": [{"after_epochs": 2}, {"after_epochs": 2}]})"),
                 "expected epochs in increasing order"));
  CHECK(error_in(R"({"freeze": ["*"], "unfreeze": [{"after_epochs": 5}]})") ==
        "2: my.json: /finetune/unfreeze/0/after_epochs: got 5, expected a number below /train/epochs, which is 5");
  CHECK(contains(error_in(R"({"freeze": ["*"], "unfreeze": [{"after_epochs": 0}]})"),
                 "/finetune/unfreeze/0/after_epochs: got 0, expected an integer, at least 1"));
  CHECK(contains(error_in(R"({"freeze": ["*"], "unfreeze": [{"epoch": 1}]})"),
                 "/finetune/unfreeze/0/epoch: unknown key"));
  CHECK(contains(error_in(R"({"freeze": "*"})"), "/finetune/freeze: got \"*\", expected a list"));
  CHECK(contains(error_in(R"({"freeze": ["*"], "unfreeze": [1]})"), "/finetune/unfreeze/0"));
}

TEST_CASE("rates of dropping are below one") {
  const auto error = [](const char* key, const char* value) {
    const std::vector<std::string> overrides = {fmt::format("model.{}={}", key, value)};
    return error_of([&] { parse_config(R"({"data": {"train": {"list": "a"}}})", "my.json", overrides); });
  };
  for (const char* key : {"dropout", "stochastic_depth"}) {
    CHECK(contains(error(key, "1"), fmt::format("/model/{}: got 1, expected a number, at least 0 and below 1", key)));
    CHECK(contains(error(key, "-0.1"), "at least 0 and below 1"));
    CHECK(error(key, "0.99").empty());
  }
}

TEST_CASE("one pair of small pictures is enough where the statistics are fixed") {
  const auto error = [](const std::string& more) {
    return error_of([&] {
      parse_config(R"({"data": {"train": {"list": "a"}, "image_size": 32}, "pairs": {"batch": 1})" + more + "}", "c");
    });
  };
  CHECK(contains(error(""), "leaves batch norm one value a channel"));
  CHECK(error(R"(, "finetune": {"freeze_statistics": true})").empty());
}

}  // namespace
}  // namespace tandem
