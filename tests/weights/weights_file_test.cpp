#include "weights/weights_file.h"

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/files.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;

std::string read_error(const std::filesystem::path& path) {
  return error_of([&] { (void)read_weights(path); });
}

/// A safetensors file with one f32 tensor of one element.
void write_one(const std::filesystem::path& path, const std::string& name, float value) {
  write_safetensors(path, std::vector<SafetensorsEntry>{{name, "F32", {1}, std::as_bytes(std::span(&value, 1))}},
                    {{"from", name}});
}

TEST_CASE("a file's format is told by its content") {
  const test::TempDir folder;
  write_one(folder / "weights.pth", "w", 3);
  CHECK(read_weights(folder / "weights.pth").format == "safetensors");
  std::filesystem::copy_file(test::weights_fixture("zip.pth"), folder / "weights.safetensors");
  CHECK(read_weights(folder / "weights.safetensors").format == "PyTorch (zip)");
  const auto text = folder.write("text.caffemodel", "Weights are heavy.");
  CHECK(read_error(text) == "2: " + text.string() +
                                ": not a file of weights, expected one of safetensors, safetensors index, PyTorch "
                                "(zip), PyTorch (legacy), Caffe, ONNX");
  CHECK(contains(read_error(folder.write("empty", "")), "not a file of weights"));
  CHECK(contains(read_error(folder / "missing"), "cannot open: No such file"));
  CHECK(contains(read_error(folder.path()), "not a file, expected a file of weights"));
}

TEST_CASE("weights in several files are read by their index") {
  const test::TempDir folder;
  write_one(folder / "model-1.safetensors", "a", 1);
  write_one(folder / "model-2.safetensors", "b", 2);
  const auto index = [&](const std::string& map) {
    return folder.write("model.safetensors.index.json",
                        R"({"metadata": {"total_size": 8}, "weight_map": )" + map + "}");
  };
  const auto path = index(R"({"a": "model-1.safetensors", "b": "model-2.safetensors"})");
  const WeightsFile file = read_weights(path);
  CHECK(file.format == "safetensors in 2 files");
  REQUIRE(file.entries.size() == 2);
  CHECK(test::values_of<float>(*file.find("a")) == std::vector<float>{1});
  CHECK(test::values_of<float>(*file.find("b")) == std::vector<float>{2});

  CHECK(contains(read_error(index(R"({"c": "model-1.safetensors"})")), "says that model-1.safetensors holds c"));
  CHECK(contains(read_error(index(R"({"a": "model-3.safetensors"})")), "model-3.safetensors: cannot open"));
  CHECK(contains(read_error(index(R"({"a": "../model-1.safetensors"})")), "expected a file beside the index"));
  CHECK(contains(read_error(index(R"({"a": 1})")), "/weight_map/a is not the name of a file"));
  CHECK(contains(read_error(index("[]")), "no JSON object with a weight_map"));
  CHECK(contains(read_error(folder.write("b.json", "{\"weight_map\"")), "no JSON object with a weight_map"));
}

TEST_CASE("a tensor that lies in two files is refused") {
  const test::TempDir folder;
  write_one(folder / "1", "a", 1);
  write_one(folder / "2", "a", 2);
  CHECK(contains(read_error(folder.write("index.json", R"({"weight_map": {"a": "1", "b": "2"}})")), "holds b"));
  write_safetensors(folder / "2", std::vector<SafetensorsEntry>{{"a", "U8", {0}, {}}, {"b", "U8", {0}, {}}}, {});
  CHECK(contains(read_error(folder.write("index.json", R"({"weight_map": {"a": "1", "b": "2"}})")),
                 "has two tensors of the name a"));
}

TEST_CASE("what an error quotes from a file can be printed") {
  CHECK(printable("a\nb\x1b[1m") == "a?b?[1m");
  CHECK(printable("caf\xc3\xa9") == "caf\xc3\xa9");
  CHECK(printable("caf\xc3") == "caf?");
  CHECK(printable(std::string(300, 'x')) == std::string(200, 'x') + "...");
  CHECK(printable(std::string(199, 'x') + "\xc3\xa9") == std::string(199, 'x') + "...");
}

}  // namespace
}  // namespace tandem
