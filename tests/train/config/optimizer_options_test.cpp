// The keys of the config's "optimizer" that depend on each other.

#include "tests/support/catch.h"
#include "tests/train/config/small_config.h"

namespace tandem {
namespace {

Config parse(const std::string& optimizer) { return test::parse(test::config_with("\"optimizer\": " + optimizer)); }

std::string error_in(const std::string& optimizer) {
  return test::error_in(test::config_with("\"optimizer\": " + optimizer));
}

TEST_CASE("what a type of optimizer does not use is refused") {
  using Keys = std::vector<std::string>;
  const Keys all = {R"("momentum": 0.5)",
                    R"("nesterov": false)",
                    R"("betas": [0.8, 0.99])",
                    R"("eps": 1e-6)",
                    R"("lars": {"eps": 1e-6})",
                    R"("lamb": {"trust_clip": true})",
                    R"("rmsprop_tf": {"alpha": 0.5})"};
  const std::vector<std::pair<std::string, Keys>> used = {
      {"sgd", {all[0], all[1]}},          {"adam", {all[2], all[3]}}, {"adamw", {all[2], all[3]}},
      {"lars", {all[0], all[1], all[4]}}, {"lamb", {all[2], all[5]}}, {"rmsprop_tf", {all[0], all[6]}}};
  for (const auto& [type, keys] : used)
    for (const std::string& key : all) {
      CAPTURE(type, key);
      const bool uses = std::find(keys.begin(), keys.end(), key) != keys.end();
      const std::string error = error_in(R"({"type": ")" + type + "\", " + key + "}");
      CHECK(error.empty() == uses);
      if (!uses) CHECK(test::contains(error, ", since \"" + type + "\" does not use it"));
    }
  CHECK(error_in(R"({"lamb": {"trust_clip": true}})") ==
        R"(2: my.json: /optimizer/lamb: got {"always_adapt":false,"eps":1e-06,"trust_clip":true}, expected )"
        R"({"always_adapt":false,"eps":1e-06,"trust_clip":false}, since "sgd" does not use it)");
  CHECK(test::contains(error_in(R"({"type": "lars", "momentum": 0})"), "a number above 0 while /optimizer/nesterov"));
  CHECK(error_in(R"({"type": "rmsprop_tf", "momentum": 0})").empty());
}

TEST_CASE("gradients are clipped in one way") {
  CHECK(error_in(R"({"clip_norm": 1, "clip_value": 0.5})") ==
        "2: my.json: /optimizer/clip_value: got 0.5, expected null while /optimizer/clip_norm is a number");
  CHECK(parse(R"({"clip_norm": 1, "clip_value": null})").optimizer.clip_norm == 1.0);
  for (const char* key : {"clip_norm", "clip_value"})
    CHECK(test::contains(error_in(R"({")" + std::string(key) + R"(": 0})"), "expected a number, above 0"));
}

TEST_CASE("groups are read strictly, element by element") {
  const auto groups = parse(R"({"groups": [{"match": ["*.bias"], "lr": 2, "weight_decay": 0}, {"match": ["a", "b"]}]})")
                          .optimizer.parameters.groups;
  CHECK(groups == std::vector<ParameterGroup>{{{"*.bias"}, 2, 0}, {{"a", "b"}, 1, 1}});
  CHECK(test::contains(error_in(R"({"groups": {"match": ["a"]}})"), "/optimizer/groups: got"));
  CHECK(error_in(R"({"groups": [{"match": ["a"]}, {"match": ["b"], "rate": 2}]})") ==
        "2: my.json: /optimizer/groups/1/rate: unknown key; known keys: match, lr, weight_decay");
  CHECK(error_in(R"({"groups": [{"match": "a"}]})") ==
        "2: my.json: /optimizer/groups/0/match: got \"a\", expected a list");
  CHECK(error_in(R"({"groups": [{"match": ["a"]}, {"lr": 2}]})") ==
        "2: my.json: /optimizer/groups/1/match: got [], expected at least one pattern of parameters' names");
  CHECK(test::contains(error_in(R"({"groups": [{"match": ["a"], "lr": -1}]})"), "/optimizer/groups/0/lr: got -1"));
  for (const char* decay : {"0", "1.01"})
    CHECK(test::contains(error_in(R"({"layer_decay": )" + std::string(decay) + "}"), "above 0 and at most 1"));
}

TEST_CASE("every optimizer's options are written and read back exactly") {
  for (const char* optimizer :
       {R"({"type": "lars", "lars": {"trust_coefficient": 0.1, "eps": 0, "trust_clip": true, "always_adapt": true}})",
        R"({"type": "lamb", "betas": [0, 0.1], "lamb": {"eps": 1e-9, "trust_clip": true, "always_adapt": true}})",
        R"({"type": "rmsprop_tf", "rmsprop_tf": {"alpha": 0, "eps": 1}, "clip_value": 3, "decay_on": "all"})"}) {
    const Config config = parse(optimizer);
    CHECK_FALSE(config.optimizer == OptimizerOptions());
    CHECK(parse_config(to_json(config).dump(), "again") == config);
  }
}

}  // namespace
}  // namespace tandem
