#include "eval/prediction_line.h"

#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using nlohmann::json;

const std::vector<std::string> kClasses = {"mug", "shoe", "lamp", "\"odd\"\n"};

TEST_CASE("softmax gives probabilities, of large logits too") {
  const std::array<float, 3> logits = {1.0F, 2.0F, 0.5F};
  const double sum = std::exp(1.0) + std::exp(2.0) + std::exp(0.5);
  const std::vector<double> p = softmax(logits);
  REQUIRE(p.size() == 3);
  CHECK(p[0] == Approx(std::exp(1.0) / sum));
  CHECK(p[1] == Approx(std::exp(2.0) / sum));
  CHECK(p[2] == Approx(std::exp(0.5) / sum));
  CHECK(softmax(std::array<float, 2>{3e38F, -3e38F}) == std::vector<double>{1, 0});
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    CHECK_THROWS_AS(softmax(std::array<float, 2>{0.0F, bad}), Error);
}

TEST_CASE("a prediction is one line of JSON with the most probable label") {
  const std::vector<double> p = {0.125, 0.5, 0.25, 0.125};
  const std::string line = prediction_line("a b/\"c\".png", p, kClasses, 0, {});
  CHECK(line == R"({"image":"a b/\"c\".png","label":"shoe","probability":0.5})"
                "\n");
  // Of equally probable ones the lower comes first; more than there are is all of them.
  const json all = json::parse(prediction_line("x", p, kClasses, 9, {}));
  CHECK(all.at("top") == json::parse(R"([{"label": "shoe", "probability": 0.5}, {"label": "lamp", "probability": 0.25},
    {"label": "mug", "probability": 0.125}, {"label": "\"odd\"\n", "probability": 0.125}])"));
  CHECK(json::parse(prediction_line("x", p, kClasses, 2, {})).at("top").size() == 2);
  CHECK_THROWS_AS(prediction_line("x", std::vector<double>{1.0}, kClasses, 0, {}), Error);
}

TEST_CASE("a vector beside a prediction keeps every bit") {
  const std::vector<float> vector = {0.1F, -3e-20F, 16777217.0F, 1e20F, 0.0F};
  const std::vector<double> p = {1e-30, 1, 0, 0};
  const json line = json::parse(prediction_line("x", p, kClasses, 0, {"embedding", vector}));
  CHECK(line.at("embedding").get<std::vector<float>>() == vector);
  CHECK(line.at("probability") == 1);
  const std::vector<float> bad = {1.0F, std::numeric_limits<float>::quiet_NaN()};
  CHECK_THROWS_AS(prediction_line("x", p, kClasses, 0, {"embedding", bad}), Error);
}

TEST_CASE("a line without classes has no label") {
  const std::vector<float> vector = {0.5F};
  CHECK(prediction_line("x", {}, {}, 0, {"embedding", vector}) == R"({"image":"x","embedding":[0.5]})"
                                                                  "\n");
  CHECK_THROWS_AS(prediction_line("x", std::vector<double>{1.0}, {}, 0, {}), Error);
}

TEST_CASE("names that are not UTF-8 make lines that are") {
  const json line = json::parse(error_line("caf\xE9.png", "caf\xE9.png: not an image"));
  CHECK(line.at("image") == "caf\xEF\xBF\xBD.png");
  CHECK(line.at("error") == "caf\xEF\xBF\xBD.png: not an image");
  CHECK(line.size() == 2);
}

}  // namespace
}  // namespace tandem
