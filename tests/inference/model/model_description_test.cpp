#include "inference/model/model_description.h"

#include <cmath>
#include <functional>

#include "data/image/transform.h"
#include "layers/backbones/factory.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"

namespace tandem {
namespace {

using nlohmann::json;
using test::contains;
using test::error_of;

/// Nothing in it is a default.
ModelDescription unusual() {
  ModelDescription model;
  model.backbone.name = "resnet34";
  model.embedding = {7, 5};
  model.classes = {"one", "\xC3\xA9 \"two\"", "three"};
  model.input = evaluation_input(96);
  model.classifier_trained = false;
  model.embedding_trained = false;
  model.steps = 1234567890123;
  model.precision = Precision::bf16;
  return model;
}

void check_same(const ModelDescription& got, const ModelDescription& want) {
  CHECK(got.backbone.name == want.backbone.name);
  CHECK(got.embedding == want.embedding);
  CHECK(got.classes == want.classes);
  CHECK(got.input == want.input);
  CHECK(got.classifier_trained == want.classifier_trained);
  CHECK(got.embedding_trained == want.embedding_trained);
  CHECK(got.steps == want.steps);
  CHECK(got.precision == want.precision);
  CHECK(got.margin == want.margin);
}

/// What is said of an unusual description with something changed in its JSON.
std::string error_with(const std::function<void(json&)>& change) {
  json all = to_json(unusual());
  change(all);
  return error_of([&] { parse_model_description(all.dump(), "a.safetensors"); });
}

TEST_CASE("a model's description is read as it was written") {
  check_same(parse_model_description(to_json(unusual()).dump(), ""), unusual());
  for (const bool head : {false, true}) {
    ModelDescription model = unusual();
    model.classifier_trained = head;
    model.embedding_trained = !head;
    model.margin = head ? 0 : 0.75;
    check_same(parse_model_description(to_json(model).dump(), ""), model);
  }
  CHECK(to_json(unusual()).dump() ==
        R"({"format":1,"backbone":{"name":"resnet34"},"embedding":[7,5],"classes":["one","é \"two\"","three"],)"
        R"("input":{"channels":"RGB","size":96,"resize":110,"interpolation":"bilinear, antialiased","crop":"center",)"
        R"("mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]},)"
        R"("training":{"heads":[],"steps":1234567890123,"precision":"bf16"}})");
}

TEST_CASE("a network that another program trained is described by what it has of its own") {
  ModelDescription model = unusual();
  model.backbone.resnet = {{1, 2, 3}, 32, 48, true, true};
  model.input.mean = {0.25, 0.5, 0.75};
  model.input.deviation = {0.5, 1, 2};
  const json all = to_json(model);
  CHECK(all["backbone"].dump() ==
        R"({"depths":[1,2,3],"name":"resnet34","pool":"caffe","stem_width":48,"stride_on":"1x1","width":32})");
  const ModelDescription read = parse_model_description(all.dump(), "");
  check_same(read, model);
  CHECK(read.backbone.resnet == model.backbone.resnet);
  ModelDescription other = model;
  for (const bool flag : {false, true}) {
    other.backbone.resnet = {.groups = 32, .group_width = 4, .deep_stem = flag, .pooled_shortcut = !flag};
    const json own = to_json(other);
    CHECK(own["backbone"].dump() ==
          (flag ? R"({"group_width":4,"groups":32,"name":"resnet34","shortcut":"conv","stem":"deep"})"
                : R"({"group_width":4,"groups":32,"name":"resnet34","shortcut":"pooled","stem":"conv7"})"));
    CHECK(parse_model_description(own.dump(), "").backbone.resnet == other.backbone.resnet);
  }
  CHECK(tower_options(read).backbone.input == InputStatistics{{0.25, 0.5, 0.75}, {0.5, 1, 2}});
  const std::string refusal = "2: a.safetensors: backbone: {";
  CHECK(error_with([](json& m) { m["backbone"]["width"] = 0; }).starts_with(refusal));
  CHECK(error_with([](json& m) { m["backbone"]["stem_width"] = 1 << 20; }).starts_with(refusal));
  CHECK(error_with([](json& m) { m["backbone"]["depths"] = {2, 0}; }).starts_with(refusal));
  CHECK(error_with([](json& m) { m["backbone"]["groups"] = 0; }).starts_with(refusal));
  CHECK(error_with([](json& m) { m["backbone"]["group_width"] = -1; }).starts_with(refusal));
  CHECK(
      error_with([](json& m) { m["backbone"]["groups"] = m["backbone"]["group_width"] = 4096; }).starts_with(refusal));
  CHECK(error_with([](json& m) { m["backbone"]["stem"] = "shallow"; }) ==
        "2: a.safetensors: backbone: stem: got \"shallow\", expected \"conv7\" or \"deep\"");
  CHECK(error_with([](json& m) { m["backbone"]["pool"] = "cafe"; }) ==
        "2: a.safetensors: backbone: pool: got \"cafe\", expected \"torch\" or \"caffe\"");
  CHECK(contains(error_with([](json& m) { m["input"]["std"][1] = 0; }), "input: a std of 0"));
}

TEST_CASE("a description that cannot be used is refused by the name of its file") {
  const std::string start = "2: a.safetensors: ";
  CHECK(error_with([](json&) {}).empty());
  CHECK(error_with([](json& m) { m["format"] = 2; }) == start + "a model description of format 2, expected 1");
  CHECK(error_with([](json& m) { m["classes"] = json::array(); }) ==
        start + "a model without classes, expected at least one");
  CHECK(error_with([](json& m) { m["backbone"]["name"] = "resnet19"; }) ==
        start + "backbone: got \"resnet19\", expected one of " + known_backbones());
  CHECK(contains(error_with([](json& m) { m["embedding"] = json::array(); }), "an embedding head without layers"));
  for (const int width : {-1, 0, 65537})
    CHECK(contains(error_with([&](json& m) { m["embedding"][1] = width; }), fmt::format("a layer of width {}", width)));
  for (const int size : {-7, 0, 7, 4097})
    CHECK(contains(error_with([&](json& m) { m["input"]["size"] = size; }), fmt::format("input of {} pixels", size)));
  CHECK(error_with([](json& m) {
          m["training"]["precision"] = "fp8";
        }).starts_with(start + "precision: got \"fp8\", expected one of"));
  for (const char* key : {"format", "backbone", "embedding", "classes", "input", "training"}) {
    INFO(key);
    CHECK(
        error_with([&](json& m) { m.erase(key); }).starts_with(start + "the description of the model cannot be used"));
    CHECK(error_with([&](json& m) { m[key] = json::object({{"a", 1}}); }).starts_with(start));
  }
  CHECK(error_of([&] { parse_model_description("{", "a.safetensors"); }).starts_with(start));
}

TEST_CASE("a model whose input is prepared in another way is refused") {
  const json changes[] = {{{"channels", "GBR"}},        {{"resize", {110, 96}}}, {{"resize", json::array({110})}},
                          {{"interpolation", "cubic"}}, {{"crop", "none"}},      {{"rotate", 90}}};
  for (const json& change : changes) {
    INFO(change.dump());
    CHECK(contains(error_with([&](json& m) { m["input"].update(change); }), "no other is implemented"));
  }
}

TEST_CASE("every input that Tandem makes is read as it was written") {
  InputOptions options;
  options.channels = InputOptions::Channels::bgr;
  options.scale = 1;
  options.mean = {104, 117, 123};
  options.deviation = {2, 4, 8};
  options.resize = InputOptions::Resize::squash;
  options.crop = 0.75;
  ModelDescription model = unusual();
  for (const auto& [interpolation, name] : enum_names(Interpolation{}))
    for (const bool antialias : {false, true}) {
      options.interpolation = interpolation;
      options.antialias = antialias;
      model.input = InputDescription(options, 96);
      check_same(parse_model_description(to_json(model).dump(), ""), model);
    }
  CHECK(to_json(model)["input"].dump() ==
        R"({"channels":"BGR","size":96,"resize":[128,128],"interpolation":"lanczos, antialiased","crop":"center",)"
        R"("mean":[104.0,117.0,123.0],"std":[2.0,4.0,8.0],"scale":1.0})");
  options.resize = InputOptions::Resize::letterbox;
  options.crop = 1;
  options.fill = {7, 8, 255};
  ModelDescription boxed = unusual();
  boxed.input = InputDescription(options, 96);
  check_same(parse_model_description(to_json(boxed).dump(), ""), boxed);
  CHECK(to_json(boxed)["input"]["letterbox"].dump() == "[7,8,255]");
  CHECK(contains(error_with([](json& m) { m["input"]["letterbox"] = {0, 0, 0}; }), "a letterbox that is resized to"));
  CHECK(contains(error_with([](json& m) {
                   m["input"]["letterbox"] = {0, 256, 0};
                   m["input"]["resize"] = m["input"]["size"];
                 }),
                 "colour [0,256,0], expected three values from 0 to 255"));
  const InputStatistics statistics = tower_options(model).backbone.input;
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(statistics.mean[c] == Approx(options.mean[c] / 255));
    CHECK(statistics.deviation[c] == Approx(options.deviation[c] / 255));
  }
  CHECK(InputDescription().statistics() == InputStatistics());
  CHECK(contains(error_with([](json& m) { m["input"]["resize"] = 95; }), "resized to 95 pixels, expected 96 to"));
  CHECK(contains(error_with([](json& m) { m["input"]["scale"] = 0; }), "a scale of 0, expected one above 0"));
}

TEST_CASE("the input is prepared as its description says") {
  for (const int size : {8, 64, 96, 224, 225}) {
    CAPTURE(size);
    const InputDescription input = evaluation_input(size);
    CHECK(input.resize == std::lround(size * 256.0 / 224.0));
    // Of a picture whose shorter side is input.resize, the middle is taken as it is.
    Image image{input.resize, input.resize + 4, {}};
    image.pixels.resize(static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) * 3);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    std::vector<std::uint8_t> out(static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3);
    eval_transform(image, size, out);
    const auto middle = [&](int length) { return static_cast<int>(std::nearbyint((length - size) / 2.0)); };
    const std::uint8_t* first = image.row(middle(image.height)) + std::ptrdiff_t{3} * middle(image.width);
    CHECK(std::equal(first, first + std::ptrdiff_t{3} * size, out.begin()));
  }
  const auto backend = make_reference_backend();
  const InputDescription input;
  const std::vector<std::uint8_t> pixel = {0, 127, 255};
  Tensor pixels = backend->empty({1, 1, 1, 3}, DType::u8), y = backend->empty({1, 1, 1, 3}, DType::f64);
  backend->copy_from_host(pixel.data(), pixels);
  backend->normalize_images(pixels, y);
  std::vector<double> values(3);
  backend->copy_to_host(y, values.data());
  for (std::size_t c = 0; c < 3; ++c)
    CHECK(values[c] == Approx((pixel[c] / 255.0 - input.mean[c]) / input.deviation[c]).epsilon(1e-6));
}

TEST_CASE("a network has the shape that its description says") {
  const TwinTowersOptions options = tower_options(unusual());
  CHECK(options.backbone.name == "resnet34");
  CHECK(options.classes == 3);
  CHECK(options.embedding == std::vector<int>{7, 5});
}

TEST_CASE("an old checkpoint is described by the keys of its config") {
  const std::string classes = R"(["a","b"])", state = R"({"step":17,"images":9})";
  const auto config = [](const json& softmax, const json& contrastive) {
    return json{{"precision", "bf16"},
                {"model", {{"arch", "resnet34"}, {"embedding", {7, 5}}}},
                {"data", {{"image_size", 96}}},
                {"loss", {{"softmax", {{"weight", softmax}}}, {"contrastive", {{"weight", contrastive}}}}}};
  };
  ModelDescription expected = unusual();
  expected.classes = {"a", "b"};
  expected.steps = 17;
  for (const json& softmax : {json(0.5), json(0.0), json(0)})
    for (const json& contrastive : {json(0.1), json("match_softmax"), json(0.0), json(0)}) {
      CAPTURE(softmax.dump(), contrastive.dump());
      expected.classifier_trained = softmax == 0.5;
      expected.embedding_trained = contrastive != 0;
      expected.margin = contrastive != 0 ? 1 : 0;
      check_same(describe_old_checkpoint(config(softmax, contrastive).dump(), classes, state, ""), expected);
    }
  json legacy = config(0.5, 0.1);
  legacy["loss"]["contrastive"].update({{"margin", 4}, {"form", "legacy"}});
  CHECK(describe_old_checkpoint(legacy.dump(), classes, state, "").margin == 2);
  json lacking = config(0.5, 0.1);
  lacking["model"].erase("arch");
  CHECK(error_of([&] {
          describe_old_checkpoint(lacking.dump(), classes, state, "a.safetensors");
        }).starts_with("2: a.safetensors: the description of the model cannot be used"));
}

}  // namespace
}  // namespace tandem
