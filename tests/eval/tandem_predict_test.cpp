// tandem-predict on the checkpoint of a small run.

#include <sstream>

#include "eval/metrics.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using nlohmann::json;
using test::check_failed;
using test::check_refused;
using test::Outcome;
using test::run_to_end;
using test::TinyRun;

Outcome predict(const TinyRun& run, const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {"tandem-predict", run.last()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_to_end(argv);
}

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

std::vector<json> must_predict(const TinyRun& run, const std::vector<std::string>& arguments) {
  const Outcome outcome = predict(run, arguments);
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  return lines_of(outcome.out);
}

json evaluation(const TinyRun& run, const std::vector<std::string>& arguments = {}) {
  std::vector<std::string> argv = {"tandem-eval", run.last(),      "--data", run.path("set/test.txt"),
                                   "--out",       run.path("eval")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  REQUIRE(run_to_end(argv).status == 0);
  return json::parse(test::read_file(run.path("eval/metrics.json")));
}

/// The images' classes by the folders they are in.
std::int32_t label_of(const json& line, const json& classes) {
  const std::string folder = std::filesystem::path(line.at("image").get<std::string>()).parent_path().filename();
  return static_cast<std::int32_t>(std::find(classes.begin(), classes.end(), folder) - classes.begin());
}

double same_distance(const std::vector<json>& lines, const json& classes, const std::string& key) {
  std::vector<float> vectors;
  std::vector<std::int32_t> labels;
  for (const json& line : lines) {
    for (const json& component : line.at(key)) vectors.push_back(component.get<float>());
    labels.push_back(label_of(line, classes));
  }
  const auto columns = static_cast<std::int64_t>(lines.front().at(key).size());
  return embedding_metrics(vectors, labels, columns).same_distance.value();
}

TEST_CASE("tandem predict labels images as tandem eval counts them") {
  const TinyRun run;
  run.must_train({"train.epochs=2"});
  const json metrics = evaluation(run);
  const json& classes = metrics.at("classes");
  const std::vector<json> lines = must_predict(run, {run.path("set/test"), "--top", "2"});
  REQUIRE(lines.size() == 6);
  std::vector<std::vector<std::int64_t>> confusion(3, std::vector<std::int64_t>(3));
  for (const json& line : lines) {
    const auto predicted = std::find(classes.begin(), classes.end(), line.at("label")) - classes.begin();
    ++confusion.at(static_cast<std::size_t>(label_of(line, classes))).at(static_cast<std::size_t>(predicted));
    REQUIRE(line.at("top").size() == 2);
    CHECK(line.at("top")[0] == json({{"label", line.at("label")}, {"probability", line.at("probability")}}));
    CHECK(line.at("top")[0].at("probability") >= line.at("top")[1].at("probability"));
    CHECK_FALSE(line.contains("embedding"));
  }
  CHECK(json(confusion) == metrics.at("confusion"));
}

TEST_CASE("tandem predict writes the vectors that tandem eval measures") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const auto check = [&](const std::string& option, const std::string& key, std::size_t columns, const json& metrics) {
    const std::vector<json> lines = must_predict(run, {run.path("set/test"), option, "--batch", "4"});
    REQUIRE(lines.size() == 6);
    CHECK(lines[0].at(key).size() == columns);
    CHECK(same_distance(lines, metrics.at("classes"), key) ==
          Approx(metrics.at("same_distance").get<double>()).epsilon(1e-4));
  };
  check("--embeddings", "embedding", 16, evaluation(run));
  for (const std::string option : {"--backbone-features", "--trunk-features"}) {
    check(option, "features", 512, evaluation(run, {option}));
    check_refused(predict(run, {run.path("set/test"), "--embeddings", option}), "excludes");
  }
}

TEST_CASE("tandem predict writes a file whole, in the order of the images") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string out = run.path("new/labels.jsonl");
  const std::string first = run.path("set/test/book/0001.png"), second = run.path("set/test/bag/0002.png");
  REQUIRE(std::filesystem::exists(first));
  const Outcome outcome = predict(run, {second, first, "--out", out, "--batch", "1", "--workers", "0"});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  CHECK(outcome.out == "written: " + out + ", 2 images\n");
  const std::vector<json> lines = lines_of(test::read_file(out));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].at("image") == second);
  CHECK(lines[1].at("image") == first);
  CHECK(lines == must_predict(run, {second, first, "--batch", "1"}));
}

TEST_CASE("tandem predict goes on past images that cannot be used, and says so") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string bad = run.dir().write("uploads/1.png", "no picture"), empty = run.dir().write("uploads/3.jpg", "");
  std::filesystem::copy_file(run.path("set/test/bag/0001.png"), run.path("uploads/2.png"));
  run.dir().write("uploads/notes.txt", "");
  const Outcome outcome = predict(run, {run.path("uploads"), "--embeddings"});
  check_failed(outcome, "2 of 3 images cannot be used; the first: " + bad + ": not an image", 2);
  CHECK(test::has_part(outcome.error, "not read: 1 file of other types\n"));
  const std::vector<json> lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 3);
  CHECK(test::has_part(lines[0].at("error"), bad + ": not an image"));
  CHECK(lines[0].size() == 2);
  CHECK(test::has_part(lines[2].at("error"), empty + ": image file is empty"));
  // What is beside it in the batch changes nothing.
  const json alone = must_predict(run, {run.path("uploads/2.png"), "--embeddings"})[0];
  CHECK(lines[1].at("label") == alone.at("label"));
  CHECK(lines[1].at("embedding")[0].get<double>() == Approx(alone.at("embedding")[0].get<double>()).epsilon(1e-3));
  // The file has all lines, too.
  check_failed(predict(run, {run.path("uploads"), "--out", run.path("labels")}), "2 of 3", 2);
  CHECK(lines_of(test::read_file(run.path("labels"))).size() == 3);
}

TEST_CASE("tandem predict that cannot write leaves an earlier file as it was") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  run.dir().write("labels", "earlier");
  test::ProgramOptions full;
  full.file_limit = 100;
  const auto into = [&](const std::string& out) {
    return run_to_end({"tandem-predict", run.last(), run.path("set/test"), "--out", run.path(out)}, full);
  };
  check_failed(into("labels"), run.path("labels"), 1);
  CHECK(test::read_file(run.path("labels")) == "earlier");
  CHECK_FALSE(std::filesystem::exists(run.path("labels.tmp")));
}

TEST_CASE("tandem predict takes names as they are") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  for (const char* name : {"[a,b]", "with space", "\"quoted\""}) {
    const std::string image = run.path(name);
    std::filesystem::copy_file(run.path("set/test/bag/0001.png"), image);
    const std::vector<json> lines = must_predict(run, {image});
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].at("image") == image);
  }
}

TEST_CASE("tandem predict refuses what it cannot use") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string image = run.path("set/test/bag/0001.png");
  check_refused(run_to_end({"tandem-predict"}), "CHECKPOINT is required");
  check_refused(run_to_end({"tandem-predict", run.last()}), "IMAGES is required");
  check_refused(run_to_end({"tandem-predict", image, image}), image);
  check_refused(predict(run, {run.path("nowhere.png")}), run.path("nowhere.png") + ": no such image file or folder");
  check_refused(predict(run, {image, "--top", "0"}), "--top");
  check_refused(predict(run, {image, "--precision", "fp16"}), "does not compute in fp16");
  check_refused(predict(run, {image, "--out", run.path("set")}), "--out: " + run.path("set") + ": not a file");
  const auto before = test::snapshot(run.path("."));
  for (const std::string& read :
       {image, run.path("set/test/bag/0002.png"), run.last(), run.path("run/../run/checkpoints/last.safetensors")})
    check_refused(predict(run, {image, "--out", read}), "--out: " + read + ": an image or the checkpoint");
  CHECK(test::snapshot(run.path(".")) == before);
  check_refused(predict(run, {image, "--out", image + "/x"}), image);
  run.must_train({"train.epochs=1", "loss.contrastive.weight=0", run.output("softmax")});
  const Outcome untrained = run_to_end({"tandem-predict", run.last("softmax"), image, "--embeddings"});
  check_refused(untrained, "its embedding head was not trained (contrastive weight 0): expected --backbone-features");
}

}  // namespace
}  // namespace tandem
