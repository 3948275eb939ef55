#include "weights/match.h"

#include "core/base/pattern.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "weights/prefix.h"
#include "weights/resnet_weights.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;

/// An entry of zeros.
WeightsEntry entry(const std::string& name, const std::vector<std::int64_t>& shape = {1},
                   const std::string& dtype = "F32") {
  return {name, dtype, shape, {}};
}

/// The names of a small ResNet of bottlenecks, with something before them.
std::vector<WeightsEntry> resnet(const std::string& prefix) {
  std::vector<WeightsEntry> all;
  for (const auto& [name, shape] :
       std::vector<std::pair<std::string, std::vector<std::int64_t>>>{{"conv1.weight", {64, 3, 7, 7}},
                                                                      {"bn1.weight", {64}},
                                                                      {"bn1.num_batches_tracked", {}},
                                                                      {"layer1.0.conv1.weight", {32, 64, 1, 1}},
                                                                      {"layer1.0.conv2.weight", {32, 32, 3, 3}},
                                                                      {"layer1.0.conv3.weight", {128, 32, 1, 1}},
                                                                      {"layer1.1.conv1.weight", {32, 128, 1, 1}},
                                                                      {"layer2.0.conv1.weight", {64, 128, 1, 1}},
                                                                      {"fc.weight", {5, 256}}})
    all.push_back(entry(prefix + name, shape));
  return all;
}

WeightsFile file_of(const std::vector<std::string>& prefixes) {
  WeightsFile file;
  file.path = "a.pth";
  for (const std::string& prefix : prefixes)
    for (WeightsEntry& one : resnet(prefix)) file.entries.push_back(std::move(one));
  return file;
}

std::string prefix_of(const std::vector<std::string>& prefixes, const std::string& key = "") {
  std::vector<std::string> notes;
  return find_prefix(file_of(prefixes), key, {"bn1.weight", "layer1.0.conv1.weight"}, notes);
}

TEST_CASE("wrappers and prefixes of names are seen through and told") {
  for (const std::string prefix : {"", "module.", "state_dict.module.", "model.", "net._orig_mod.backbone."}) {
    const ResNetWeights found = resnet_by_names(file_of({prefix}), "");
    CHECK(found.find("layer1.0.conv2.weight") != nullptr);
    CHECK(found.origins.at("fc.weight") == prefix + "fc.weight");
    CHECK(found.find("bn1.num_batches_tracked") == nullptr);
    if (!prefix.empty()) CHECK(found.notes.at(0) == "the network's names begin with \"" + prefix + "\"");
    CHECK(found.classes == 5);
    CHECK(found.shape.bottleneck);
    CHECK(found.shape.width == 32);
    CHECK(found.shape.stem_width == 64);
    CHECK(found.shape.depths == std::vector<int>{2, 1});
  }
}

TEST_CASE("of several sets of weights the one under the key is taken") {
  CHECK(prefix_of({"state_dict_ema.", "state_dict."}) == "state_dict.");
  CHECK(prefix_of({"state_dict_ema.", "state_dict."}, "state_dict_ema") == "state_dict_ema.");
  CHECK(prefix_of({"model.", "model_ema.module."}, "model_ema") == "model_ema.module.");
  CHECK(prefix_of({"ema.", "state_dict."}) == "state_dict.");  // although the other is shorter
  CHECK(prefix_of({"model_ema."}) == "model_ema.");            // nothing else is there
  CHECK(prefix_of({"optimizer.momentum.", "long.model."}) == "long.model.");
  CHECK(error_of([] { prefix_of({"model."}, "other"); }) ==
        "2: a.pth: nothing under the key other, expected one of \"model.\"");
  CHECK(contains(error_of([] {
                   prefix_of({"one.", "two."});
                 }),
                 "holds several networks, expected a key that says which"));
  CHECK(contains(error_of([] { prefix_of({}); }), "no ResNet by torchvision's names"));
  std::vector<std::string> notes;
  (void)find_prefix(file_of({"model.", "model_ema."}), "", {"bn1.weight"}, notes);
  REQUIRE(notes.size() == 2);
  CHECK(notes[1] == "other sets of weights, which a key chooses: \"model_ema.\"");
}

TEST_CASE("tensors are matched by name, and every one is accounted for") {
  const std::vector<WeightsEntry> entries = {entry("a", {2}), entry("fc.weight", {3, 4}), entry("spare", {7}, "F16")};
  const std::vector<WantedTensor> wanted = {{"a", {2}}, {"fc.weight", {5, 4}, true}, {"embedding.0.bias", {9}, true}};
  const Match match = match_weights("a.pth", entries, wanted, {});
  CHECK(match.tensors[0].source == &entries[0]);
  CHECK(match.tensors[1].source == nullptr);
  CHECK(describe_match(match, {{"a", "module.a"}}) ==
        "taken      a                                (2)                  F32 module.a\n"
        "random     fc.weight                        (5, 4)               F32 (3, 4) in the file\n"
        "random     embedding.0.bias                 (9)                  not in the file\n"
        "left over  spare                            (7)                  F16\n");
}

TEST_CASE("a tensor that does not fit is an error with both shapes, unless it is skipped") {
  const std::vector<WeightsEntry> entries = {entry("layer1.conv", {2, 3}), entry("count", {1}, "I64")};
  const auto error = [&](const WantedTensor& wanted, const std::vector<std::string>& skip) {
    return error_of([&] { (void)match_weights("a.pth", entries, {wanted}, skip); });
  };
  const std::string hint = "; a pattern in model.weights_skip lets it begin at random";
  CHECK(error({"layer1.conv", {2, 4}}, {}) == "2: a.pth: layer1.conv is F32 (2, 3), expected (2, 4)" + hint);
  CHECK(error({"layer2.conv", {5}}, {}) == "2: a.pth: has no layer2.conv, expected (5)" + hint);
  CHECK(error({"count", {1}}, {}) == "2: a.pth: count is I64 (1), expected (1)" + hint);
  CHECK(error({"layer1.conv", {2, 4}}, {"layer1.*"}).empty());
  CHECK(error({"layer1.conv", {2, 3}}, {"layer9.*"}) ==
        "2: a.pth: the pattern \"layer9.*\" of tensors to skip fits none of the network's");
  const Match skipped = match_weights("a.pth", entries, {{"layer1.conv", {2, 3}}}, {"*conv"});
  CHECK(skipped.tensors[0].source == nullptr);
  CHECK(skipped.tensors[0].why == "skipped by \"*conv\"");
}

TEST_CASE("narrow and wide numbers are converted exactly") {
  const std::vector<std::uint16_t> halves = {0x3800, 0xFBFF, 0x0001}, brains = {0x3F80, 0xC049};
  const std::vector<double> doubles = {0.1, -1e-20};
  const WeightsEntry f16{"a", "F16", {3}, std::as_bytes(std::span(halves))};
  const WeightsEntry bf16{"a", "BF16", {2}, std::as_bytes(std::span(brains))};
  const WeightsEntry f64{"a", "F64", {2}, std::as_bytes(std::span(doubles))};
  CHECK(real_values<float>(f16) == std::vector<float>{0.5F, -65504, 0x1p-24F});
  CHECK(real_values<double>(bf16) == std::vector<double>{1, -3.140625});
  CHECK(real_values<double>(f64) == doubles);
  CHECK(real_values<float>(f64) == std::vector<float>{0.1F, -1e-20F});
  CHECK(contains(error_of([&] { (void)real_values<float>(entry("a", {1}, "I64")); }), "1: a is I64"));
}

}  // namespace
}  // namespace tandem
