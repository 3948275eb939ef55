// tandem-eval on the checkpoint of a small run.

#include <cstring>
#include <list>

#include "io/safetensors.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using test::check_refused;
using test::Outcome;
using test::run_to_end;
using test::TinyRun;

/// Evaluates a run's last checkpoint on its test images; the result goes to "eval".
Outcome evaluate(const TinyRun& run, const std::vector<std::string>& arguments = {}) {
  std::vector<std::string> argv = {"tandem-eval", run.last(),      "--data", run.path("set/test.txt"),
                                   "--out",       run.path("eval")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_to_end(argv);
}

nlohmann::json must_evaluate(const TinyRun& run, const std::vector<std::string>& arguments = {}) {
  const Outcome outcome = evaluate(run, arguments);
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  return nlohmann::json::parse(test::read_file(run.path("eval/metrics.json")));
}

bool is_share(const nlohmann::json& value) { return value.get<double>() >= 0 && value.get<double>() <= 1; }

TEST_CASE("tandem eval measures what the run measured and more") {
  const TinyRun run;
  run.must_train({"train.epochs=2"});
  const nlohmann::json metrics = must_evaluate(run);
  const nlohmann::json epoch = run.metrics().back().at("eval");
  CHECK(metrics.at("top1") == epoch.at("top1"));
  CHECK(metrics.at("top5") == epoch.at("top5"));
  CHECK(metrics.at("loss").get<double>() == Approx(epoch.at("loss").get<double>()));
  CHECK(metrics.at("step") == 5);
  CHECK(metrics.at("precision") == "fp32");
  CHECK(metrics.at("images") == 6);
  for (const char* key : {"top1", "top5", "macro_f1", "pair_auc", "recall_at_1", "recall_at_5"}) {
    INFO(key);
    CHECK(is_share(metrics.at(key)));
  }
  const double same = metrics.at("same_distance").get<double>(),
               different = metrics.at("different_distance").get<double>();
  CHECK(same > 0);
  CHECK(metrics.at("distance_ratio").get<double>() == Approx(different / same));
  CHECK(metrics.at("same_pairs") == 3);
  CHECK(metrics.at("different_pairs") == 12);
  REQUIRE(metrics.at("per_class").size() == 3);
  std::int64_t on_diagonal = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(metrics.at("per_class")[c].at("support") == 2);
    const auto row = metrics.at("confusion")[c].get<std::vector<std::int64_t>>();
    CHECK(row[0] + row[1] + row[2] == 2);
    on_diagonal += row[c];
  }
  CHECK(static_cast<double>(on_diagonal) / 6 == Approx(metrics.at("top1").get<double>()));
  CHECK(test::has_part(test::read_file(run.path("eval/report.html")), "</html>"));
}

TEST_CASE("tandem eval does not depend on batches and workers and finds the images below a root") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const nlohmann::json metrics = must_evaluate(run);
  const auto figures = [](nlohmann::json m) {
    for (const char* key : {"checkpoint", "data", "naming"}) m.erase(key);
    return m;
  };
  CHECK(figures(must_evaluate(run, {"--workers", "0"})) == figures(metrics));
  const nlohmann::json one_by_one = must_evaluate(run, {"--batch", "1"});
  CHECK(one_by_one.at("confusion") == metrics.at("confusion"));
  CHECK(one_by_one.at("loss").get<double>() == Approx(metrics.at("loss").get<double>()).epsilon(1e-4));

  std::filesystem::create_directory(run.path("lists"));
  for (const char* name : {"test.txt", "classes.txt"})
    std::filesystem::rename(run.path(std::string("set/") + name), run.path(std::string("lists/") + name));
  const std::string list = run.path("lists/test.txt");
  check_refused(evaluate(run, {"--data", list}), "--data");  // given twice
  const auto from_root = [&](const std::string& root) {
    return run_to_end({"tandem-eval", run.last(), "--data", list, "--root", root, "--out", run.path("eval")});
  };
  REQUIRE(from_root(run.path("set")).status == 0);
  CHECK(figures(nlohmann::json::parse(test::read_file(run.path("eval/metrics.json")))) == figures(metrics));
  check_refused(from_root(run.path("lists")), list + ":1: ");
  check_refused(from_root(run.path("nowhere")), run.path("nowhere"));
}

TEST_CASE("tandem eval computes in the precision asked for") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const nlohmann::json single = must_evaluate(run, {"--precision", "fp32"});
  const nlohmann::json twice = must_evaluate(run, {"--precision", "fp64"});
  CHECK(single.at("precision") == "fp32");
  CHECK(twice.at("precision") == "fp64");
  CHECK(twice.at("loss").get<double>() == Approx(single.at("loss").get<double>()).epsilon(1e-3));
  CHECK(twice.at("loss") != single.at("loss"));
  CHECK(twice.at("same_distance").get<double>() == Approx(single.at("same_distance").get<double>()).epsilon(1e-3));
}

TEST_CASE("tandem eval reads a folder with one subfolder a class") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const nlohmann::json from_list = must_evaluate(run);
  const Outcome outcome =
      run_to_end({"tandem-eval", run.last(), "--data", run.path("set/test"), "--out", run.path("eval")});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  const auto from_folder = nlohmann::json::parse(test::read_file(run.path("eval/metrics.json")));
  CHECK(from_folder.at("confusion") == from_list.at("confusion"));
  CHECK(from_folder.at("classes") == from_list.at("classes"));
}

TEST_CASE("tandem eval takes folders that lack a class and names those that are none") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string test = run.path("set/test");
  const auto evaluated = [&] {
    return run_to_end({"tandem-eval", run.last(), "--data", test, "--out", run.path("eval")});
  };
  std::filesystem::remove(run.path("set/classes.txt"));
  std::filesystem::remove_all(test + "/ball");
  const Outcome outcome = evaluated();
  CHECK(outcome.error == test + ": classes without images: ball\n");
  REQUIRE(outcome.status == 0);
  const auto metrics = nlohmann::json::parse(test::read_file(run.path("eval/metrics.json")));
  CHECK(metrics.at("images") == 4);
  CHECK(metrics.at("per_class")[1].at("support") == 0);
  CHECK(metrics.at("per_class")[2].at("support") == 2);
  run.must_train(
      {"train.epochs=1", run.output("lacking"), "data.train.list=" + run.path("set/train"), "data.eval.list=" + test});
  run.dir().write("set/test/kiwi/a.png", "");
  check_refused(evaluated(), test + ": subfolder 'kiwi' is none of the network's classes (bag, ball, book)");
}

TEST_CASE("class names with umlauts and spaces go through training and evaluation") {
  const TinyRun run;
  const std::string names[][2] = {
      {"bag", "Tasche f\xC3\xBCr B\xC3\xBC\x63her"}, {"ball", "\xE7\x90\x83"}, {"book", "\xC3\x84"}};
  for (const auto& [from, to] : names)
    for (const std::string part : {"set/train/", "set/test/"})
      std::filesystem::rename(run.path(part + from), run.path(part + to));
  std::filesystem::remove(run.path("set/classes.txt"));
  run.must_train(
      {"train.epochs=1", "data.train.list=" + run.path("set/train"), "data.eval.list=" + run.path("set/test")});
  const Outcome outcome =
      run_to_end({"tandem-eval", run.last(), "--data", run.path("set/test"), "--out", run.path("eval")});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  const auto metrics = nlohmann::json::parse(test::read_file(run.path("eval/metrics.json")));
  CHECK(metrics.at("classes") == nlohmann::json({names[0][1], names[2][1], names[1][1]}));
  CHECK(test::has_part(test::read_file(run.path("eval/report.html")), names[0][1]));
}

TEST_CASE("tandem eval refuses what it cannot use") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  check_refused(run_to_end({"tandem-eval"}), "CHECKPOINT is required");
  check_refused(run_to_end({"tandem-eval", run.last()}), "is required");
  check_refused(evaluate(run, {"--fast"}), "--fast");
  check_refused(evaluate(run, {"--batch", "0"}), "--batch");
  check_refused(evaluate(run, {"--precision", "fp16"}), "does not compute in fp16");
  check_refused(evaluate(run, {"--precision", "fp8"}), "precision: got \"fp8\", expected one of");
  check_refused(evaluate(run, {"--device", "cuda:99"}), "cuda:99");
  check_refused(evaluate(run, {"--device", "tpu"}), R"(got "tpu", expected "auto", "cpu", "cuda" or "cuda:<index>")");

  const auto on_data = [&](const std::string& data) {
    return run_to_end({"tandem-eval", run.last(), "--data", data, "--out", run.path("eval")});
  };
  check_refused(on_data(run.path("nowhere.txt")), run.path("nowhere.txt"));
  const std::string list = test::read_file(run.path("set/test.txt"));
  run.dir().write("set/label.txt", list + list.substr(0, list.find(' ')) + " 3\n");
  check_refused(on_data(run.path("set/label.txt")), "label.txt:7: label 3 is too large");
  run.dir().write("set/empty.png", "");
  run.dir().write("set/image.txt", list + "empty.png 0\n");
  check_refused(on_data(run.path("set/image.txt")),
                "image.txt:7: " + run.path("set/empty.png") + ": image file is empty");
  std::filesystem::copy(run.path("set"), run.path("other"), std::filesystem::copy_options::recursive);
  run.dir().write("other/classes.txt", "bag\nball\nbox\n");
  check_refused(on_data(run.path("other/test.txt")),
                "other/test.txt:5: class 'box' is none of the network's classes (bag, ball, book)");
  CHECK_FALSE(std::filesystem::exists(run.path("eval/metrics.json")));

  run.dir().write("file", "");
  check_refused(
      run_to_end({"tandem-eval", run.last(), "--data", run.path("set/test.txt"), "--out", run.path("file/x")}),
      run.path("file/x"));
}

TEST_CASE("tandem eval refuses a damaged checkpoint") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string good = test::read_file(run.last());
  std::string flipped = good;
  flipped[good.size() / 2] ^= 0x10;
  const std::string bad = run.path("bad.safetensors");
  for (const std::string& content :
       {std::string(), std::string("This is no checkpoint.\n"), good.substr(0, good.size() / 2), flipped}) {
    std::ofstream(bad, std::ios::binary | std::ios::trunc) << content;
    INFO(content.size() << " bytes");
    check_refused(run_to_end({"tandem-eval", bad, "--data", run.path("set/test.txt"), "--out", run.path("eval")}),
                  bad + ": ");
  }
  check_refused(
      run_to_end({"tandem-eval", run.path("nowhere"), "--data", run.path("set/test.txt"), "--out", run.path("eval")}),
      run.path("nowhere"));
  CHECK_FALSE(std::filesystem::exists(run.path("eval/metrics.json")));
}

TEST_CASE("tandem eval leaves no folder behind when it refuses") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  check_refused(evaluate(run, {"--precision", "fp16"}), "does not compute in fp16");
  const std::string good = test::read_file(run.last());
  std::filesystem::remove(run.last());
  check_refused(evaluate(run), run.last());
  run.dir().write("run/checkpoints/last.safetensors", good.substr(0, good.size() / 2));
  check_refused(evaluate(run), run.last() + ": ");
  CHECK_FALSE(std::filesystem::exists(run.path("eval")));
}

/// Multiplies the embedding head's weights and biases.
void scale_embedding(const std::string& checkpoint, float weights, float biases) {
  const SafetensorsFile file(checkpoint);
  std::vector<SafetensorsEntry> entries(file.entries().begin(), file.entries().end());
  std::list<std::vector<std::byte>> scaled;
  for (SafetensorsEntry& entry : entries) {
    if (entry.name != "model.embedding.0.weight" && entry.name != "model.embedding.0.bias") continue;
    std::vector<float> values(entry.data.size() / sizeof(float));
    std::memcpy(values.data(), entry.data.data(), entry.data.size());
    for (float& value : values) value *= entry.name.ends_with("bias") ? biases : weights;
    scaled.emplace_back(entry.data.size());
    std::memcpy(scaled.back().data(), values.data(), entry.data.size());
    entry.data = scaled.back();
  }
  REQUIRE(scaled.size() == 2);
  write_safetensors(checkpoint, entries, file.metadata());
}

TEST_CASE("tandem eval tells of an embedding that has collapsed to a point") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const nlohmann::json good = must_evaluate(run);
  CHECK_FALSE(good.contains("embedding_note"));
  CHECK_FALSE(good.contains("classifier_note"));
  CHECK(good.at("embedding_spread").get<double>() > 1e-3);
  scale_embedding(run.last(), 0, 1);
  const std::string told = "they have collapsed to a point";
  const nlohmann::json bad = must_evaluate(run);
  CHECK(test::has_part(bad.at("embedding_note").get<std::string>(), told));
  CHECK(bad.at("embedding_spread").get<double>() < 1e-6);
  CHECK(test::has_part(evaluate(run).out, told));
  CHECK(test::has_part(test::read_file(run.path("eval/report.html")), told));
  CHECK_FALSE(test::has_part(must_evaluate(run, {"--trunk-features"}).at("embedding_note").get<std::string>(), told));
}

TEST_CASE("tandem eval tells of an embedding that has collapsed to 0") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const nlohmann::json good = must_evaluate(run);
  // Beside its norm its spread is as it was; beside the margin that it was trained for it is nothing.
  scale_embedding(run.last(), 1e-6F, 1e-6F);
  const nlohmann::json bad = must_evaluate(run);
  CHECK(bad.at("embedding_spread").get<double>() / bad.at("embedding_norm").get<double>() ==
        Approx(good.at("embedding_spread").get<double>() / good.at("embedding_norm").get<double>()).epsilon(1e-3));
  const std::string note = bad.at("embedding_note").get<std::string>();
  CHECK(note.starts_with("they have collapsed to a point (spread "));
  CHECK(note.ends_with(", margin 1)"));
}

TEST_CASE("tandem eval tells where the names of classes come from and of an image with two labels") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string test = run.path("set/test"), copy = run.path("set/test/ball/copy.png");
  std::filesystem::copy_file(run.path("set/test/bag/0001.png"), copy);
  const Outcome outcome = run_to_end({"tandem-eval", run.last(), "--data", test, "--out", run.path("eval")});
  CHECK(outcome.status == 0);
  CHECK(outcome.error ==
        "warning: an image has two labels: " + test + "/bag/0001.png is 'bag', " + copy + " is 'ball'\n");
  const std::string naming = test + ": subfolders are matched by name with the network's classes";
  CHECK(outcome.out.rfind(naming + "\n", 0) == 0);
  CHECK(nlohmann::json::parse(test::read_file(run.path("eval/metrics.json"))).at("naming") == naming);
}

TEST_CASE("tandem eval measures the backbone's features where the embedding head was not trained, and says so",
          "[slow]") {
  const TinyRun run;
  const std::string note = "the embedding head was not trained (contrastive weight 0)";
  run.must_train({"train.epochs=1", "loss.contrastive.weight=0"});
  const nlohmann::json metrics = must_evaluate(run);
  CHECK(test::has_part(metrics.at("embedding_note").get<std::string>(), note));
  CHECK(test::has_part(evaluate(run).out, note));
  CHECK(test::has_part(test::read_file(run.path("eval/report.html")), note));
  // The head is another, and nothing depends on it.
  std::filesystem::remove_all(run.path("run"));
  run.must_train({"train.epochs=1", "loss.contrastive.weight=0", "model.embedding=[8]"});
  CHECK(must_evaluate(run).at("same_distance") == metrics.at("same_distance"));

  std::filesystem::remove_all(run.path("run"));
  run.must_train({"train.epochs=1", R"(loss.contrastive.weight="match_softmax")"});
  const nlohmann::json embeddings = must_evaluate(run);
  CHECK_FALSE(embeddings.contains("embedding_note"));
  const nlohmann::json features = must_evaluate(run, {"--backbone-features"});
  CHECK(must_evaluate(run, {"--trunk-features"}) == features);  // its name in earlier versions
  CHECK(test::has_part(features.at("embedding_note").get<std::string>(), "the backbone's features"));
  CHECK(features.at("top1") == embeddings.at("top1"));
  CHECK(features.at("same_distance") != embeddings.at("same_distance"));
}

}  // namespace
}  // namespace tandem
