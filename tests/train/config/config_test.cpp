#include "train/config/config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "layers/backbones/factory.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/train/config/small_config.h"
#include "train/config/config_keys.h"

namespace tandem {
namespace {

using test::config_with;
using test::contains;
using test::error_in;
using test::error_of;
using test::parse;

const std::filesystem::path kRepository = std::filesystem::path(TANDEM_TEST_DATA).parent_path();

/// Nothing in it is a default.
Config unusual() {
  Config c;
  c.seed = 18446744073709551615U;
  c.device = "cuda:3";
  c.precision = Precision::bf16;
  c.deterministic = false;
  c.output = "runs/a \"b\" \xC3\xA9";
  c.model = {"resnet18", 7,
             {33},       ModelConfig::BatchNorm::joint,
             true,       "w.safetensors",
             {"fc.*"},   {32, 48, ResNetConfig::StrideOn::conv1x1, ResNetConfig::Pool::caffe}};
  c.model.resnet.groups = 32;
  c.model.resnet.group_width = 4;
  c.model.resnet.stem = ResNetConfig::Stem::deep;
  c.model.resnet.shortcut = ResNetConfig::Shortcut::conv;
  c.model.weights_key = "model_ema";
  c.model.dropout = 0.25;
  c.model.stochastic_depth = 0.125;
  c.finetune = {{"conv1.*"}, {{2, {"layer1.*", "layer2.*"}}, {3, {}}}, true};
  c.model.input = {InputOptions::Channels::bgr,  1,   {104, 117, 123},         {1, 2, 3},
                   InputOptions::Resize::squash, 0.9, Interpolation::bilinear, false};
  c.data.train = {{"a.txt", "images"}};
  c.data.eval = {"b.txt", std::nullopt};
  c.data.image_size = 65;
  c.data.augment = {std::nullopt, false};
  c.data.workers = 5;
  c.data.max_pixels = 1000000;
  c.data.fast_decode = false;
  c.pairs.batch = 3;
  c.pairs.accumulate = 5;
  c.loss.softmax = {0.1 + 0.2, 0.1};
  c.loss.contrastive = {std::nullopt, 1.0 / 3, ContrastiveForm::legacy};
  c.optimizer = {OptimizerOptions::Type::sgd, 1e-7, 0.123456789012345678, false, {0.9, 0.999}, 1e-8, 0};
  c.optimizer.clip_norm = 0.25;
  c.optimizer.parameters = {
      ParameterOptions::Decay::all, 0.75, {{{"*.bias", "fc.?"}, 2, 0}, {.match = {"layer1.*"}, .lr = 0.1}}};
  c.schedule = {ScheduleOptions::Type::step, 0, {2, 5, 9}, 0.3};
  c.ema = {0.5, true, 2, 0.75};
  c.train = {11, 4, 150, true, EarlyStoppingOptions{{"eval.loss", FigureOptions::Mode::max}, 7, 0.25}};
  c.checkpoint = {2, 123456789012, 0, 2.5, {"eval.top5", FigureOptions::Mode::min}};
  c.cpu = {3, true};
  return c;
}

TEST_CASE("the smallest config has every default") {
  Config expected;
  expected.data.train[0].list = "train.txt";
  CHECK(parse(config_with("")) == expected);
}

TEST_CASE("a written config reads back exactly") {
  const Config config = unusual();
  CHECK(parse(to_json(config).dump()) == config);
  CHECK(parse(to_json(config).dump(2)) == config);
  CHECK(to_json(parse(to_json(config).dump())) == to_json(config));
  CHECK_FALSE(parse(config_with("")) == config);
}

/// "a.b.c" for every key of an object that is not an object itself.
void list_keys(const nlohmann::ordered_json& object, const std::string& prefix, std::vector<std::string>& keys) {
  for (const auto& [key, value] : object.items())
    if (value.is_object()) {
      list_keys(value, prefix + key + ".", keys);
    } else {
      keys.push_back(prefix + key);
    }
}

/// The value of "a.b.c".
nlohmann::ordered_json value_at(const nlohmann::ordered_json& object, std::string key) {
  std::replace(key.begin(), key.end(), '.', '/');
  return object.at(nlohmann::ordered_json::json_pointer("/" + key));
}

TEST_CASE("a written config has these keys, in this order") {
  const auto expected = nlohmann::ordered_json::parse(
      R"({"seed":18446744073709551615,"device":"cuda:3","precision":"bf16","deterministic":false,)"
      R"("output":"runs/a \"b\" é",)"
      R"("model":{"arch":"resnet18","classes":7,"embedding":[33],"batch_norm":"joint","zero_init_residual":true,)"
      R"("weights":"w.safetensors"},)"
      R"("data":{"train":{"list":"a.txt","root":"images","split":null,"weight":1.0},)"
      R"("eval":{"list":"b.txt","root":null,"split":null,"weight":1.0},"image_size":65,)"
      R"("augment":{"random_resized_crop":null,"flip":false},"workers":5},"pairs":{"sampler":"random","batch":3},)"
      R"("loss":{"softmax":{"weight":0.30000000000000004,"label_smoothing":0.1},)"
      R"("contrastive":{"weight":"match_softmax","margin":0.3333333333333333,"form":"legacy"}},)"
      R"("optimizer":{"type":"sgd","lr":1e-07,"momentum":0.12345678901234568,"nesterov":false,)"
      R"("betas":[0.9,0.999],"eps":1e-08,"weight_decay":0.0},)"
      R"("schedule":{"type":"step","warmup":0.0,"milestones":[2,5,9],"gamma":0.3},"train":{"epochs":11,)"
      R"("losses_every":4},)"
      R"("checkpoint":{"every_epochs":2,"every_steps":123456789012,"keep":0},"cpu":{"threads":3,"autotune":true}})");
  const auto json = to_json(unusual());
  std::vector<std::string> keys, all;
  list_keys(expected, "", keys);
  list_keys(json, "", all);
  std::erase_if(all, [&](const std::string& key) { return std::count(keys.begin(), keys.end(), key) == 0; });
  CHECK(all == keys);  // beside keys that were added since
  for (const std::string& key : keys) {
    INFO(key);
    CHECK(value_at(json, key).dump() == value_at(expected, key).dump());
  }
}

TEST_CASE("an unknown key is refused with the one that was meant") {
  CHECK(error_in(config_with(R"("optimizer": {"momentm": 0.9})")) ==
        "2: my.json: /optimizer/momentm: unknown key; did you mean \"momentum\"? known keys: type, lr, momentum, "
        "nesterov, betas, eps, weight_decay, lars, lamb, rmsprop_tf, clip_norm, clip_value, decay_on, layer_decay, "
        "groups");
  CHECK(contains(error_in(config_with(R"("optimizer": {"rl": 0.9})")), "did you mean \"lr\"?"));
  CHECK(contains(error_in(config_with(R"("Seed": 1)")), "/Seed: unknown key; did you mean \"seed\"?"));
  CHECK(contains(error_in(config_with(R"("precison": "fp32")")), "did you mean \"precision\"?"));
  CHECK(contains(error_in(config_with(R"("zebra": 1)")), "/zebra: unknown key; known keys: seed, device"));
  CHECK(contains(error_in(config_with(R"("a/b~c": 1)")), "/a~1b~0c: unknown key"));
  // A key in the wrong place.
  CHECK(contains(error_in(config_with(R"("lr": 0.1)")),
                 "2: my.json: /lr: unknown key; did you mean /optimizer/lr? known"));
  CHECK(contains(error_in(config_with(R"("epochs": 3)")), "/epochs: unknown key; did you mean /train/epochs?"));
  CHECK(
      contains(error_in(config_with(R"("pairs": {"lr": 3})")), "/pairs/lr: unknown key; did you mean /optimizer/lr?"));
  CHECK(contains(error_in(config_with(R"("batch": 3)"), {"batch=4"}),
                 "--set batch=4: /batch: unknown key; did you mean /pa"));
  CHECK(contains(error_in(config_with(R"("list": "a")")), "did you mean /data/train/list or /data/eval/list?"));
  // The misspelt key, not the one that is missing for it.
  CHECK(contains(error_in(R"({"data": {"train": {"lits": "a"}}})"), "/data/train/lits: unknown key; did you mean"));
}

TEST_CASE("a wrong type is refused with what was got and expected") {
  CHECK(error_in(config_with(R"("seed": "one")")) ==
        "2: my.json: /seed: got \"one\", expected an integer from 0 to 2^64 - 1");
  CHECK(error_in(config_with(R"("train": {"epochs": 1.5})")) ==
        "2: my.json: /train/epochs: got 1.5, expected an integer, at least 1 and at most 1000000");
  CHECK(error_in(config_with(R"("optimizer": {"lr": null})")) ==
        "2: my.json: /optimizer/lr: got null, expected a number, above 0 and at most 1000");
  CHECK(error_in(config_with(R"("optimizer": {"nesterov": 1})")) ==
        "2: my.json: /optimizer/nesterov: got 1, expected true or false");
  CHECK(error_in(config_with(R"("output": 3)")) == "2: my.json: /output: got 3, expected a string, not empty");
  CHECK(error_in(config_with(R"("output": "")")) == "2: my.json: /output: got \"\", expected a string, not empty");
  CHECK(contains(error_in(config_with(R"("output": "a\u0000b")")), "expected a string"));
  CHECK(error_in(config_with(R"("schedule": [])")) ==
        "2: my.json: /schedule: got [], expected an object: {\"key\": value, ...}");
  for (const char* source : {"train", "eval"})
    CHECK(error_in(R"({"data": {"train": {"list": "a"}}})", {"data." + std::string(source) + "=3"}) ==
          "2: --set data." + std::string(source) + "=3: /data/" + source +
              ": got 3, expected an object: {\"list\": \"an image list, or a folder with one folder "
              "per class\"}");
  CHECK(error_in(config_with(R"("model": {"embedding": 256})")) ==
        "2: my.json: /model/embedding: got 256, expected a list");
  CHECK(contains(error_in(config_with(R"("model": {"embedding": [256, "x"]})")),
                 "/model/embedding/1: got \"x\", expected"));
  CHECK(contains(error_in(R"({"data": {"train": {"list": "a"}, "augment": {"random_resized_crop": [0.3]}}})"),
                 "/data/augment/random_resized_crop: got [0.3], expected a list of 2 numbers"));
  CHECK(error_in("[1]") == "2: my.json: the whole config: got [1], expected an object: {\"key\": value, ...}");
  CHECK(error_in(config_with(R"("precision": "fp31")")) ==
        "2: my.json: /precision: got \"fp31\", expected one of \"auto\", \"fp32\", \"tf32\", \"bf16\", \"fp16\", "
        "\"fp64\"");
  CHECK(contains(error_in(config_with(R"("loss": {"contrastive": {"weight": "match"}})")),
                 R"(/loss/contrastive/weight: got "match", expected a number, at least 0 and at most 1000000, or )"
                 R"("match_softmax")"));
  CHECK(contains(error_in(config_with(R"("seed": ")" + std::string(500, 'x') + "\"")), "xxx..., expected an integer"));
}

TEST_CASE("a value out of range is refused") {
  const std::vector<std::string> refused = {
      R"("seed": -1)",
      R"("seed": 18446744073709551616)",
      R"("seed": 1e3)",
      R"("device": "gpu")",
      R"("device": "cuda:")",
      R"("device": "cuda:-1")",
      R"("model": {"classes": 1})",
      R"("model": {"classes": 4294967298})",
      R"("model": {"embedding": []})",
      R"("model": {"embedding": [0]})",
      R"("model": {"embedding": [-4]})",
      R"("pairs": {"batch": 0})",
      R"("pairs": {"batch": 9223372036854775808})",
      R"("loss": {"softmax": {"weight": -0.1}})",
      R"("loss": {"softmax": {"label_smoothing": 1}})",
      R"("loss": {"contrastive": {"weight": -1}})",
      R"("loss": {"contrastive": {"margin": 0}})",
      R"("loss": {"softmax": {"weight": 0}, "contrastive": {"weight": 0}})",
      R"("optimizer": {"lr": 0})",
      R"("optimizer": {"lr": 1e300})",
      R"("optimizer": {"lr": NaN})",
      R"("optimizer": {"lr": Infinity})",
      R"("optimizer": {"lr": 1e999})",
      R"("optimizer": {"momentum": 1})",
      R"("optimizer": {"momentum": 0})",
      R"("optimizer": {"type": "rmsprop"})",
      R"("optimizer": {"type": "adam", "momentum": 0.5})",
      R"("optimizer": {"type": "adamw", "nesterov": false})",
      R"("optimizer": {"betas": [0.8, 0.99]})",
      R"("optimizer": {"eps": 1e-6})",
      R"("optimizer": {"type": "adam", "betas": [0.9, 1]})",
      R"("optimizer": {"type": "adam", "eps": 0})",
      R"("train": {"losses_every": 0})",
      R"("schedule": {"warmup": 1.01})",
      R"("schedule": {"type": "step"})",
      R"("schedule": {"milestones": [3]})",
      R"("schedule": {"type": "step", "milestones": [3, 3]})",
      R"("schedule": {"type": "step", "milestones": [0]})",
      R"("schedule": {"type": "step", "milestones": [1], "gamma": 0})",
      R"("schedule": {"gamma": 0.5})",
      R"("ema": true)",
      R"("ema": {"decay": 1})",
      R"("ema": {"decay": -0.1})",
      R"("ema": {"warmup_gamma": 0})",
      R"("ema": {"warmup_power": 0})",
      R"("ema": {"warmup": false, "warmup_power": 1})",
      R"("pairs": {"accumulate": 0})",
      R"("pairs": {"accumulate": 65})",
      R"("schedule": {"type": "constant", "gamma": 0.5})",
      R"("schedule": {"type": "step", "milestones": [10, 30]})",
      R"("train": {"epochs": 0})",
      R"("checkpoint": {"every_epochs": 0})",
      R"("checkpoint": {"every_steps": 0})",
      R"("checkpoint": {"keep": -1})",
  };
  for (const auto& text : refused) {
    const std::string error = error_in(config_with(text));
    INFO(text << " -> " << error);
    CHECK(contains(error, "2: my.json:"));
    CHECK_FALSE(contains(error, "\n"));
  }
  for (const char* crop : {"[0, 1]", "[0.5, 1.5]", "[0.6, 0.5]"})
    CHECK(contains(error_in(R"({"data": {"train": {"list": "a"}, "augment": {"random_resized_crop": )" +
                            std::string(crop) + "}}}"),
                   "/data/augment/random_resized_crop"));
}

TEST_CASE("what contradicts another key is refused with both") {
  CHECK(error_in(config_with(R"("schedule": {"gamma": 0.5})")) ==
        "2: my.json: /schedule/gamma: got 0.5, expected 0.1, since \"cosine\" does not use it");
  CHECK(error_in(config_with(R"("ema": {"warmup": false, "warmup_gamma": 2})")) ==
        "2: my.json: /ema/warmup_gamma: got 2.0, expected 1.0, while /ema/warmup is false");
  CHECK(error_in(config_with(R"("schedule": {"type": "step", "milestones": [2, 5]}, "train": {"epochs": 5})")) ==
        "2: my.json: /schedule/milestones: got [2,5], expected epochs below /train/epochs, which is 5");
  CHECK(error_in(config_with(R"("loss": {"softmax": {"weight": 0}, "contrastive": {"weight": "match_softmax"}})")) ==
        "2: my.json: /loss/contrastive/weight: got \"match_softmax\", expected a number above 0, since "
        "/loss/softmax/weight is 0 and leaves no loss to match");
}

TEST_CASE("a letterbox has a colour and shows the whole image") {
  const auto error = [](const std::string& input) {
    return error_in(config_with(R"("model": {"input": )" + input + "}"));
  };
  CHECK(error(R"({"resize": "letterbox"})") ==
        "2: my.json: /model/input/crop: got 0.875, expected 1, since a letterbox shows the whole image");
  CHECK(error(R"({"fill": [0, 0, 0]})") ==
        "2: my.json: /model/input/fill: got [0,0,0], expected [124,116,104], since \"shorter_side\" does not use it");
  for (const char* fill : {"[0, 0]", "[0, 0, 256]", "[0, 0, 0.5]", "7"})
    CHECK(contains(error(R"({"resize": "letterbox", "crop": 1, "fill": )" + std::string(fill) + "}"),
                   "2: my.json: /model/input/fill"));
  const Config config =
      parse(config_with(R"("model": {"input": {"resize": "letterbox", "crop": 1, "fill": [1, 2, 3]}})"));
  CHECK(InputGeometry(config.model.input, 96).letterbox == std::array{1, 2, 3});
  CHECK(InputGeometry(config.model.input, 96).resize == 96);
  CHECK(parse(to_json(config).dump()) == config);
}

TEST_CASE("a batch norm over one value is refused") {
  const auto batch = [](int pairs, int size, const char* statistics) {
    return error_in(config_with(R"("model": {"batch_norm": ")" + std::string(statistics) + "\"}"),
                    {"pairs.batch=" + std::to_string(pairs), "data.image_size=" + std::to_string(size)});
  };
  CHECK(batch(1, 32, "per_tower") ==
        "2: --set pairs.batch=1: /pairs/batch: 1 pair of 32 pixels leaves batch norm one "
        "value a channel, expected at least 2");
  CHECK(contains(batch(1, 8, "per_tower"), "1 pair of 8 pixels"));
  CHECK(batch(1, 33, "per_tower").empty());
  CHECK(batch(2, 32, "per_tower").empty());
  CHECK(batch(1, 32, "joint").empty());
}

TEST_CASE("values at the ends of their ranges are accepted") {
  CHECK(parse(config_with(R"("optimizer": {"momentum": 0, "nesterov": false})")).optimizer.momentum == 0);
  CHECK(parse(config_with(R"("loss": {"contrastive": {"weight": "match_softmax"}})")).loss.contrastive.weight ==
        std::nullopt);
  CHECK(parse(config_with(R"("loss": {"contrastive": {"weight": 0}})")).loss.contrastive.weight == 0.0);
  CHECK(parse(config_with(R"("schedule": {"type": "step", "milestones": [1]})")).schedule.milestones == std::vector{1});
  CHECK(parse(config_with(R"("model": {"classes": null, "embedding": [1]})")).model.embedding == std::vector{1});
  CHECK(parse(config_with(R"("device": "cuda:0")")).device == "cuda:0");
  CHECK(parse(config_with(R"("optimizer": {"type": "adam", "betas": [0, 0.5], "eps": 1})")).optimizer.betas[1] == 0.5);
  CHECK(parse(config_with(R"("train": {"losses_every": 1000})")).train.losses_every == 1000);
}

TEST_CASE("the training list is required") {
  CHECK(contains(error_in("{}"), "2: my.json: /data/train/list: missing, expected"));
  CHECK(contains(error_in(R"({"data": {"train": {"list": "a"}, "eval": {"root": "b"}}})"),
                 "2: my.json: /data/eval/list: missing, expected"));
}

TEST_CASE("several training sources are a list, and a single one is not") {
  const Config c =
      parse(R"({"data": {"train": [{"list": "a.txt"}, {"list": "b.csv", "split": "train", "weight": 0.5}]}})");
  REQUIRE(c.data.train.size() == 2);
  CHECK(c.data.train[1] == SourceConfig{"b.csv", std::nullopt, "train", 0.5});
  CHECK(to_json(c).at("data").at("train").size() == 2);
  CHECK(parse(to_json(c).dump()) == c);
  CHECK(contains(error_in(R"({"data": {"train": []}})"), "/data/train: got [], expected at least one"));
  CHECK(contains(error_in(R"({"data": {"train": [{"list": "a"}, {"root": "b"}]}})"), "/data/train/1/list: missing"));
  CHECK(contains(error_in(R"({"data": {"train": {"list": "a", "weight": 0}}})"), "/data/train/weight: got 0"));
  CHECK(contains(error_in(R"({"data": {"train": {"list": "a"}, "eval": {"list": "b", "weight": 2}}})"),
                 "/data/eval/weight: got 2.0, expected 1, since an evaluation shows each image once"));
}

TEST_CASE("a syntax error has line and column") {
  CHECK(
      contains(error_in("{\n  \"seed\": 1\n  \"device\": \"cpu\"\n}"), "2: my.json:3:10: syntax error while parsing"));
  CHECK(contains(error_in("{\"seed\": 1,}"), "2: my.json:1:12: syntax error"));
  CHECK(contains(error_in("{\"seed\": 01}"), "2: my.json:1:11: syntax error"));
  CHECK(contains(error_in("{\"seed\": 1"), "2: my.json:1:11: syntax error"));
  CHECK(contains(error_in(""), "2: my.json:1:1: syntax error"));
  CHECK(contains(error_in("{}\n{}"), "2: my.json:2:1: syntax error"));
  CHECK(contains(error_in("{\"output\": \"\xff\"}"), "2: my.json:1:13: syntax error"));
  CHECK_FALSE(contains(error_in("{\n  \"seed\": tru\n}"), "\n"));
}

TEST_CASE("a config cut short anywhere is refused") {
  const std::string text = to_json(unusual()).dump(1);
  for (std::size_t size = 0; size < text.size(); ++size)
    if (!contains(error_in(text.substr(0, size)), "2: my.json:")) FAIL("accepted: " << text.substr(0, size));
}

TEST_CASE("a key given twice is refused") {
  CHECK(error_in(R"({"seed": 1, "seed": 2})") == "2: my.json: the key \"seed\" occurs twice in one object");
  CHECK(parse(config_with(R"("train": {"epochs": 3})")).train.epochs == 3);  // "train" is also a key of data.
}

TEST_CASE("absurd nesting is refused and does not exhaust the stack") {
  CHECK(contains(error_in("{\"seed\": " + std::string(500000, '[')), "nested deeper than"));
  CHECK(contains(error_in(config_with(""), {"seed=" + std::string(500000, '[')}), "nested deeper than"));
}

TEST_CASE("comments are allowed") {
  CHECK(parse("// a\n{ /* b */ \"data\": {\"train\": {\"list\": \"x\"}} } // c").data.train[0].list == "x");
}

TEST_CASE("overrides replace values") {
  const std::string text = config_with(R"("seed": 1, "output": "a")");
  const Config c = parse(
      text, {"seed=7", "optimizer.lr=2e-3", "output=runs/b=c", "model.embedding=[8, 4]", "data.eval.list=test.txt",
             "loss.contrastive.weight=match_softmax", "data.augment.random_resized_crop=null", "seed=8"});
  CHECK(c.seed == 8);
  CHECK(c.optimizer.lr == 2e-3);
  CHECK(c.output == "runs/b=c");
  CHECK(c.model.embedding == std::vector{8, 4});
  CHECK(c.data.eval == SourceConfig{"test.txt", std::nullopt});
  CHECK(c.data.train[0].list == "train.txt");
  CHECK_FALSE(c.loss.contrastive.weight.has_value());
  CHECK_FALSE(c.data.augment.random_resized_crop.has_value());
  CHECK(parse(text, {"output=\"7\""}).output == "7");
  CHECK(parse(R"({"data": {"train": {"list": "a"}, "eval": {"list": "b"}}})", {"data.eval=null"}).data.eval ==
        std::nullopt);
}

TEST_CASE("a bad override is refused and named") {
  const std::string text = config_with(R"("seed": 1)");
  CHECK(contains(error_in(text, {"optimizer.momentm=0.5"}),
                 "2: --set optimizer.momentm=0.5: /optimizer/momentm: unknown key; did you mean \"momentum\"?"));
  CHECK(
      contains(error_in(text, {"optimzer.lr=0.5"}), "2: --set optimzer.lr=0.5: /optimzer: unknown key; did you mean"));
  CHECK(error_in(text, {"seed=7", "seed=x"}) ==
        "2: --set seed=x: /seed: got \"x\", expected an integer from 0 to 2^64 - 1");
  CHECK(contains(error_in(text, {"seed=7", "optimizer.lr=nan"}),
                 "2: --set optimizer.lr=nan: /optimizer/lr: got \"nan\""));
  CHECK(error_in(text, {"seed.x=1"}) == "2: --set seed.x=1: /seed is not an object, so it has no key \"x\"");
  CHECK(contains(error_in(text, {"loss.softmax.weight=0", "loss.contrastive.weight=0"}), "/loss: no loss"));
  CHECK(contains(error_in(text, {"output=7"}), "2: --set output=7: /output: got 7, expected a string"));
  for (const char* bad : {"seed", "=1", "", ".seed=1", "seed.=1", "train..epochs=1"})
    CHECK(error_in(text, {bad}) == "2: --set " + std::string(bad) + ": expected path.to.key=value");
  CHECK(contains(error_in(text, {"output=\xff"}), "not UTF-8"));
  // What the file itself says wrong is not blamed on an override.
  CHECK(contains(error_in(config_with(R"("pairs": {"batch": 0})"), {"seed=2"}), "2: my.json: /pairs/batch: got 0"));
}

TEST_CASE("a config that cannot be read is refused") {
  const test::TempDir folder;
  const std::string missing = (folder / "no.json").string();
  CHECK(error_of([&] { read_config(missing); }) ==
        "2: " + missing + ": cannot open the config: No such file or directory");
  CHECK(contains(error_of([&] { read_config(folder.path().string()); }), "is a folder, expected a config file"));
  const std::string long_name(5000, 'x');
  CHECK(error_of([&] { read_config(long_name); }) ==
        "2: " + long_name + ": cannot open the config: File name too long");
  std::filesystem::create_symlink("loop.json", folder / "loop.json");
  CHECK(contains(error_of([&] { read_config((folder / "loop.json").string()); }),
                 "2: " + (folder / "loop.json").string() + ": cannot open the config: Too many levels of symbolic"));
  const std::string large = folder.write("large.json", std::string((1 << 20) + 1, ' ')).string();
  CHECK(contains(error_of([&] { read_config(large); }), "larger than 1 MiB"));
  const std::string good =
      folder.write("good.json", "\xEF\xBB\xBF" + config_with("\"seed\": 5")).string();  // With a BOM.
  CHECK(read_config(good).seed == 5);
}

TEST_CASE("a source can be given by its list alone") {
  const std::vector<std::string> set = {"data.train=photos", "data.eval=val.txt"};
  const Config config = parse_config(R"({"data": {"train": {"list": "a", "root": "b"}}})", "my.json", set);
  CHECK(config.data.train == std::vector{SourceConfig{"photos", {}}});
  CHECK(config.data.eval == SourceConfig{"val.txt", {}});
}

TEST_CASE("the network of a file of weights can be asked for, if there is a file") {
  CHECK(parse(config_with(R"("model": {"arch": "auto", "weights": "w.pth"})")).model.arch == "auto");
  CHECK(error_in(config_with(R"("model": {"arch": "auto"})")) ==
        "2: my.json: /model/arch: got \"auto\", expected a name, since /model/weights names no file: one of " +
            known_backbones());
  CHECK(error_in(config_with(R"("model": {"arch": "auto", "weights": "w.pth", "resnet": {"width": 32}})")) ==
        "2: my.json: /model/resnet: given, while /model/arch is \"auto\", expected it to be left out");
}

TEST_CASE("every backbone can be asked for by name, and no other") {
  for (const std::string_view name : backbone_names())
    CHECK(parse(config_with(fmt::format(R"("model": {{"arch": "{}"}})", name))).model.arch == name);
  CHECK(error_in(config_with(R"("model": {"arch": "resnet51"})")) ==
        "2: my.json: /model/arch: got \"resnet51\", expected \"auto\", or one of " + known_backbones());
  CHECK(contains(error_in(config_with(R"("model": {"arch": 50})")), "/model/arch: got 50, expected a string"));
}

TEST_CASE("a key of weights needs a file of weights") {
  CHECK(parse(config_with(R"("model": {"weights": "a.pth", "weights_key": "model_ema"})")).model.weights_key ==
        "model_ema");
  CHECK(error_in(config_with(R"("model": {"weights_key": "model_ema"})")) ==
        "2: my.json: /model/weights_key: got \"model_ema\", expected null, since /model/weights names no file");
}

TEST_CASE("precisions have names") {
  for (const auto& [value, name] : enum_names(Precision{})) {
    CHECK(to_string(value) == name);
    CHECK(parse_precision(name) == value);
  }
  CHECK(contains(error_of([] { parse_precision("half"); }), "2: precision: got \"half\", expected one of \"auto\""));
}

TEST_CASE("the configs of the repository are valid") {
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(kRepository / "configs")) {
    if (file.path().extension() != ".json") continue;
    ++count;
    INFO(file.path().string());
    const Config config = read_config(file.path().string());
    if (file.path().stem() != "finetune") CHECK(config.model.classes == 12);  // which is for anyone's photos
    CHECK(config.data.eval.has_value());
  }
  CHECK(count >= 4);
}

TEST_CASE("softmax only differs from grocery12 in the contrastive weight alone") {
  const Config grocery = read_config((kRepository / "configs/grocery12.json").string());
  Config softmax = read_config((kRepository / "configs/softmax_only.json").string());
  CHECK(softmax.loss.contrastive.weight == 0.0);
  CHECK(softmax.output != grocery.output);
  softmax.loss.contrastive.weight = grocery.loss.contrastive.weight;
  softmax.output = grocery.output;
  CHECK(softmax == grocery);
}

TEST_CASE("every key is documented with its default") {
  std::ifstream file(kRepository / "docs/config.md");
  std::map<std::string, std::string> rows;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("| `")) rows[line.substr(3, line.find('`', 3) - 3)] = line;
  std::vector<std::string> keys;
  const auto json = to_json(Config{});
  list_keys(json, "", keys);
  CHECK(keys.size() > 30);
  for (const auto& key : keys) {
    INFO(key);
    REQUIRE(rows.count(key) == 1);
    std::string value = value_at(json, key).dump();
    for (auto comma = value.find(','); comma != std::string::npos; comma = value.find(',', comma + 1))
      value.insert(comma + 1, " ");
    if (key == "data.train.list") continue;  // Required, so without a default.
    CHECK(contains(rows[key], "| `" + value + "` |"));
  }
}

}  // namespace
}  // namespace tandem
