#include "eval/report.h"

#include <fstream>
#include <iterator>

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

/// Labels 0 0 0 1 with predictions 0 1 1 1; class 2 has no image.
Evaluation small_evaluation() {
  const std::vector<std::int32_t> labels = {0, 0, 0, 1};
  Evaluation evaluation;
  evaluation.about = {{"checkpoint", "best.safetensors"}};
  evaluation.classes = {"milk", "müsli", "<b>&\"tea\"'"};
  evaluation.classification = classification_metrics(std::vector<float>{1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0}, labels, 3);
  evaluation.embedding = embedding_metrics(std::vector<float>{0, 1, 2, 9}, labels, 1);
  return evaluation;
}

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the JSON report has every figure under its name") {
  const auto json = report_json(small_evaluation());
  REQUIRE(json.at("checkpoint") == "best.safetensors");
  REQUIRE(json.at("images") == 4);
  REQUIRE(json.at("top1") == 0.5);
  REQUIRE(json.at("top5") == 1.0);
  REQUIRE(json.at("classes").size() == 3);
  REQUIRE(json.at("confusion") == nlohmann::ordered_json::parse("[[1, 2, 0], [0, 1, 0], [0, 0, 0]]"));
  REQUIRE(json.at("per_class").at(1).at("name") == "müsli");
  REQUIRE(json.at("per_class").at(1).at("recall") == 1.0);
  REQUIRE(json.at("per_class").at(0).at("support") == 3);
  for (const char* name : {"pair_auc", "same_distance", "different_distance", "distance_ratio", "recall_at_1",
                           "recall_at_5", "loss", "macro_f1"}) {
    INFO(name);
    REQUIRE(json.at(name).is_number());
  }
  REQUIRE(json.at("distance_ratio") ==
          json.at("different_distance").get<double>() / json.at("same_distance").get<double>());
}

TEST_CASE("what is undefined is null in the JSON report") {
  Evaluation evaluation = small_evaluation();
  evaluation.embedding = embedding_metrics(std::vector<float>{0}, std::vector<std::int32_t>{0}, 1);
  const auto json = report_json(evaluation);
  REQUIRE(json.at("per_class").at(2).at("recall").is_null());
  for (const char* name : {"pair_auc", "same_distance", "different_distance", "distance_ratio", "recall_at_1"}) {
    INFO(name);
    REQUIRE(json.at(name).is_null());
  }
}

TEST_CASE("mistakes are listed by how often they happen") {
  const auto evaluation = small_evaluation();
  const auto mistakes = frequent_mistakes(evaluation.classification, 5);
  REQUIRE(mistakes.size() == 1);
  REQUIRE(mistakes[0].label == 0);
  REQUIRE(mistakes[0].prediction == 1);
  REQUIRE(mistakes[0].images == 2);

  ClassificationMetrics metrics;
  metrics.confusion = {{9, 1, 3}, {3, 9, 0}, {4, 0, 9}};
  const auto first = frequent_mistakes(metrics, 3);
  REQUIRE(first.size() == 3);
  REQUIRE(first[0].label == 2);
  REQUIRE(first[1].label == 0);  // of equals the lower label comes first
  REQUIRE(first[2].label == 1);
}

TEST_CASE("the text report lines up its columns and names the mistakes") {
  const std::string text = report_text(small_evaluation());
  REQUIRE(contains(text, "Classification of 4 images, 3 classes"));
  REQUIRE(contains(text, "2 × milk taken for müsli (67 % of milk)"));
  REQUIRE(contains(text, "  milk                3      100.0       33.3       50.0\n"));
  REQUIRE(contains(text, "  müsli               1       33.3      100.0       50.0\n"));
  REQUIRE(contains(text, "          0          -          -          -\n"));
  REQUIRE(text.back() == '\n');
}

TEST_CASE("the page escapes names and needs no other file") {
  const std::string page = report_html(small_evaluation());
  REQUIRE(contains(page, "&lt;b&gt;&amp;&quot;tea&quot;&#39;"));
  REQUIRE_FALSE(contains(page, "<b>&\"tea"));
  REQUIRE_FALSE(contains(page, "http"));
  REQUIRE_FALSE(contains(page, "<script"));
  REQUIRE(contains(page, "milk → müsli: 2"));
  REQUIRE(contains(page, "</html>"));
}

TEST_CASE("the page of many classes leaves the confusion matrix to the JSON") {
  Evaluation evaluation = small_evaluation();
  evaluation.classes.assign(101, "name");
  evaluation.classification = classification_metrics(std::vector<float>(101), std::vector<std::int32_t>{0}, 101);
  REQUIRE(contains(report_html(evaluation), "Not drawn for more than 100 classes"));
}

TEST_CASE("a report is written as files that parse") {
  const test::TempDir folder;
  const Evaluation evaluation = small_evaluation();
  write_report(evaluation, folder.path());
  const std::string json = content(folder / "metrics.json");
  REQUIRE(nlohmann::ordered_json::parse(json) == report_json(evaluation));
  REQUIRE(contains(json, "\n  \"top1\": 0.5,\n"));  // one figure a line, for grep and sed
  REQUIRE(content(folder / "report.html") == report_html(evaluation));
}

TEST_CASE("a class name that is not UTF-8 is replaced in the JSON") {
  const test::TempDir folder;
  Evaluation evaluation = small_evaluation();
  evaluation.classes[0] = "caf\xE9";
  write_report(evaluation, folder.path());
  const auto json = nlohmann::ordered_json::parse(content(folder / "metrics.json"));
  REQUIRE(json.at("classes").at(0) == "caf\uFFFD");
}

TEST_CASE("a report into a folder that does not exist is an error") {
  const test::TempDir folder;
  REQUIRE_THROWS_AS(write_report(small_evaluation(), folder / "absent"), Error);
}

TEST_CASE("a report with the wrong number of class names is an error") {
  Evaluation evaluation = small_evaluation();
  evaluation.classes.pop_back();
  REQUIRE_THROWS_AS(report_json(evaluation), Error);
  REQUIRE_THROWS_AS(report_text(evaluation), Error);
}

}  // namespace tandem
