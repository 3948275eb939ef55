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
    check(option, "features", 512, evaluation(run, {option, "--distance", "L2"}));
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
  CHECK(outcome.out == "written: " + out + ", 2 lines\n");
  const std::vector<json> lines = lines_of(test::read_file(out));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].at("image") == second);
  CHECK(lines[1].at("image") == first);
  CHECK(lines == must_predict(run, {second, first, "--batch", "1"}));
}

TEST_CASE("tandem predict goes on past images that cannot be used, and says so") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string bad = run.dir().write("uploads/1.png", "no picture"), empty = run.dir().write("uploads/3.jpg", ""),
                    notes = run.dir().write("uploads/notes.txt", "These are my pictures.");
  std::filesystem::copy_file(run.path("set/test/bag/0001.png"), run.path("uploads/2.png"));
  const Outcome outcome = predict(run, {run.path("uploads"), "--embeddings"});
  check_failed(outcome, "3 of 4 files cannot be used; the first: " + bad + ": not an image", 2);
  const std::vector<json> lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 4);
  CHECK(test::has_part(lines[0].at("error"), bad + ": not an image"));
  CHECK(lines[0].size() == 2);
  CHECK(test::has_part(lines[2].at("error"), empty + ": image file is empty"));
  CHECK(test::has_part(lines[3].at("error"), notes + ": not an image"));
  // What is beside it in the batch changes nothing.
  const json alone = must_predict(run, {run.path("uploads/2.png"), "--embeddings"})[0];
  CHECK(lines[1].at("label") == alone.at("label"));
  CHECK(lines[1].at("embedding")[0].get<double>() == Approx(alone.at("embedding")[0].get<double>()).epsilon(1e-3));
  // The file has all lines, too.
  check_failed(predict(run, {run.path("uploads"), "--out", run.path("labels")}), "3 of 4", 2);
  CHECK(lines_of(test::read_file(run.path("labels"))).size() == 4);
  // What is written is not one of the files that are read the next time.
  for (int time = 0; time < 2; ++time)
    check_failed(predict(run, {run.path("uploads"), "--out", run.path("uploads/labels")}), "3 of 4", 2);
}

TEST_CASE("tandem predict reads every file that a folder leads to") {
  namespace fs = std::filesystem;
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string image = run.path("set/test/bag/0001.png");
  for (const char* name : {"uploads/new/1.png", "uploads/IMG_2", "uploads/b.jfif", "elsewhere/0.png"}) {
    fs::create_directories(fs::path(run.path(name)).parent_path());
    fs::copy_file(image, run.path(name));
  }
  fs::create_directory_symlink("../elsewhere", run.path("uploads/monday"));
  fs::create_directory_symlink(run.path("uploads"), run.path("uploads/new/round"));
  fs::create_symlink("nowhere.png", run.path("uploads/gone.png"));
  const Outcome outcome = predict(run, {run.path("uploads")});
  CHECK(test::has_part(outcome.error,
                       run.path("uploads/new/round") + ": a link back to a folder above it, not followed\n"));
  check_failed(outcome, "1 of 5 files cannot be used; the first: " + run.path("uploads/gone.png"), 2);
  const std::vector<json> lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 5);
  const char* names[] = {"IMG_2", "b.jfif", "gone.png", "monday/0.png", "new/1.png"};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(lines[i].at("image") == run.path(std::string("uploads/") + names[i]));
    CHECK(lines[i].contains(i == 2 ? "error" : "label"));
  }
}

TEST_CASE("tandem predict twice to one file leaves one that is whole", "[slow]") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string out = run.path("labels.jsonl");
  run.dir().write("labels.jsonl.tmp", "mine");
  std::vector<std::string> argv = {"tandem-predict", run.last(), "--out", out, "--batch", "1"};
  for (int i = 0; i < 20; ++i) argv.push_back(run.path("set/train"));
  test::Program first(argv), second(argv);
  CHECK(first.wait().status == 0);
  CHECK(second.wait().status == 0);
  CHECK(lines_of(test::read_file(out)).size() == 20 * 12);
  CHECK(test::read_file(run.path("labels.jsonl.tmp")) == "mine");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(run.path(".")))
    files += test::has_part(entry.path().filename().string(), "labels.jsonl");
  CHECK(files == 2);
}

TEST_CASE("tandem predict refuses labels of a classifier that was not trained") {
  const TinyRun run;
  run.must_train({"train.epochs=1", "loss.softmax.weight=0", "loss.contrastive.weight=1"});
  const std::string image = run.path("set/test/bag/0001.png"),
                    why = run.last() + ": its classifier was not trained (softmax weight 0): ";
  check_refused(predict(run, {image}), why + "expected --embeddings or --backbone-features, for lines without labels");
  check_refused(predict(run, {image, "--embeddings", "--top", "2"}), "--top: " + why + "it has no labels");
  const json line = must_predict(run, {image, "--embeddings"}).at(0);
  CHECK(line.at("embedding").size() == 16);
  CHECK(line.size() == 2);
  CHECK(must_predict(run, {image, "--trunk-features"}).at(0).at("features").size() == 512);
  const json metrics = evaluation(run);
  CHECK(test::has_part(metrics.at("classifier_note").get<std::string>(), "the classifier was not trained"));
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
  for (const auto& entry : std::filesystem::directory_iterator(run.path(".")))
    CHECK_FALSE(test::has_part(entry.path().filename().string(), "labels."));
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
  std::filesystem::copy_file(image, run.path("IMG_0001"));
  const auto before = test::snapshot(run.path("."));
  for (const std::string& read : {image, run.path("IMG_0001"), run.path("set/test/bag/0002.png"), run.last(),
                                  run.path("run/../run/checkpoints/last.safetensors")})
    check_refused(predict(run, {image, "--out", read}), "--out: " + read + ": an image or the checkpoint");
  CHECK(test::snapshot(run.path(".")) == before);
  check_refused(predict(run, {image, "--out", image + "/x"}), image);
  run.must_train({"train.epochs=1", "loss.contrastive.weight=0", run.output("softmax")});
  const Outcome untrained = run_to_end({"tandem-predict", run.last("softmax"), image, "--embeddings"});
  check_refused(untrained, "its embedding head was not trained (contrastive weight 0): expected --backbone-features");
}

}  // namespace
}  // namespace tandem
