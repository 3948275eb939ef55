#include "inference/model/model_file.h"

#include <fstream>
#include <iterator>
#include <map>

#include "core/backend/host_copy.h"
#include "inference/model/import.h"
#include "inference/model/tensors.h"
#include "layers/initialise.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;
using test::TempDir;

ModelDescription small() {
  ModelDescription model;
  model.backbone.name = "resnet18";
  model.embedding = {6};
  model.classes = {"a", "b"};
  model.input = evaluation_input(32);
  model.steps = 3;
  return model;
}

/// A network's tensors by name.
std::map<std::string, std::vector<double>> weights(Backend& backend, TwinTowers& network) {
  std::map<std::string, std::vector<double>> all;
  for (const NamedTensor& t : network.state()) all[t.name] = download(backend, t.tensor());
  return all;
}

/// What is in a file: entries, their bytes, and metadata, to be changed and written.
struct Content {
  std::vector<std::vector<std::byte>> buffers;
  std::vector<SafetensorsEntry> entries;
  SafetensorsMetadata metadata = {{kFormatKey, "1"}, {kModelKey, to_json(small()).dump()}};

  Content(Backend& backend, TwinTowers& network) {
    for (const NamedTensor& t : network.state()) {
      buffers.push_back(file_bytes(backend, t.tensor()));
      entries.push_back(file_entry(kModelPrefix + t.name, t.tensor(), buffers.back()));
    }
  }
  void write(const std::filesystem::path& path) const { write_safetensors(path, entries, metadata); }
};

TEST_CASE("a model's weights come out of a file as they went in, in either type") {
  const TempDir dir;
  const auto backend = make_cpu_backend();
  TwinTowers trained(*backend, DType::f32, tower_options(small()));
  initialise(*backend, trained, 3);
  Content(*backend, trained).write(dir / "a");
  const ModelFile file(dir / "a");
  CHECK(file.description().classes == small().classes);
  for (const DType real : {DType::f32, DType::f64}) {
    TwinTowers other(*backend, real, tower_options(file.description()));
    file.load(*backend, other);
    CHECK(weights(*backend, other) == weights(*backend, trained));
  }
  const SafetensorsEntry* conv = file.file().find("model.conv1.weight");
  REQUIRE(conv != nullptr);
  CHECK(describe(*conv) == "F32 (64, 3, 7, 7)");
}

TEST_CASE("a file that lacks something, or has it in another shape, is refused by name") {
  const TempDir dir;
  const auto backend = make_cpu_backend();
  TwinTowers network(*backend, DType::f32, tower_options(small()));
  initialise(*backend, network, 3);
  const Content good(*backend, network);
  const std::string path = (dir / "a").string();
  const auto error = [&](const Content& content) {
    content.write(path);
    return error_of([&] { ModelFile(path).load(*backend, network); });
  };
  CHECK(error(good).empty());
  Content content = good;
  std::erase_if(content.entries, [](const SafetensorsEntry& e) { return e.name == "model.fc.bias"; });
  CHECK(error(content) == "2: " + path + ": no tensor model.fc.bias, which a checkpoint of this model has");
  content = good;
  for (SafetensorsEntry& e : content.entries)
    if (e.name == "model.fc.weight") e.shape = {512, 2};
  CHECK(error(content) == "2: " + path + ": model.fc.weight is F32 (512, 2), expected F32 (2, 512)");
  content = good;
  for (SafetensorsEntry& e : content.entries)
    if (e.name == "model.fc.bias") e.dtype = "I32";
  CHECK(error(content) == "2: " + path + ": model.fc.bias is I32 (2), expected F32 (2)");
  content = good;
  content.metadata.erase(kFormatKey);
  CHECK(error(content) == "2: " + path + ": not a checkpoint of Tandem: no tandem.format in its metadata");
  content = good;
  content.metadata[kFormatKey] = "2";
  CHECK(error(content) == "2: " + path + ": checkpoint format 2, expected 1");
  content = good;
  content.metadata.erase(kModelKey);  // and there is no config to describe it by
  CHECK(contains(error(content), ": not a checkpoint of Tandem: no tandem."));
}

TEST_CASE("stripping leaves the model and nothing else") {
  const TempDir dir;
  const auto backend = make_cpu_backend();
  TwinTowers network(*backend, DType::f32, tower_options(small()));
  initialise(*backend, network, 3);
  Content content(*backend, network);
  const SafetensorsMetadata model = content.metadata;
  content.metadata["tandem.config"] = "{}";
  SafetensorsEntry momentum = content.entries[0];
  momentum.name = "optimizer.momentum.conv1.weight";
  content.entries.insert(content.entries.begin() + 1, momentum);
  content.write(dir / "a");
  strip_checkpoint(dir / "a", dir / "new" / "b");
  const SafetensorsFile stripped(dir / "new" / "b");
  CHECK(stripped.metadata() == model);
  CHECK(stripped.entries().size() == content.entries.size() - 1);
  CHECK(stripped.find(momentum.name) == nullptr);
  TwinTowers other(*backend, DType::f32, tower_options(small()));
  ModelFile(dir / "new" / "b").load(*backend, other);
  CHECK(weights(*backend, other) == weights(*backend, network));

  // Once more changes nothing.
  strip_checkpoint(dir / "new" / "b", dir / "c");
  const auto bytes = [](const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  CHECK((bytes(dir / "c") == bytes(dir / "new" / "b")));
  CHECK(contains(error_of([&] { strip_checkpoint(dir / "c", dir / "new" / ".." / "c"); }), "the checkpoint itself"));
  CHECK((bytes(dir / "c") == bytes(dir / "new" / "b")));
  CHECK(contains(error_of([&] { strip_checkpoint(dir / "c", dir / "new"); }), "not a file, expected one to write"));
  CHECK(contains(error_of([&] { strip_checkpoint(dir / "nowhere", dir / "d"); }), "nowhere"));
  CHECK_FALSE(std::filesystem::exists(dir / "d"));
}

/// A file with the weights of one network and the averages of another.
void write_averaged(const std::filesystem::path& path, Backend& backend, TwinTowers& last, TwinTowers& average) {
  Content content(backend, last);
  const Content averages(backend, average);
  for (SafetensorsEntry entry : averages.entries) {
    entry.name = kAveragePrefix + entry.name.substr(std::string(kModelPrefix).size());
    content.entries.push_back(entry);
  }
  content.write(path);
}

struct Averaged {
  TempDir dir;
  std::shared_ptr<Backend> backend = make_cpu_backend();
  TwinTowers last{*backend, DType::f32, tower_options(small())}, average{*backend, DType::f32, tower_options(small())},
      other{*backend, DType::f32, tower_options(small())};
  std::filesystem::path path = dir / "a";

  Averaged() {
    initialise(*backend, last, 3);
    initialise(*backend, average, 4);
    initialise(*backend, other, 5);
    write_averaged(path, *backend, last, average);
  }
  bool is(TwinTowers& network) { return weights(*backend, other) == weights(*backend, network); }
};

TEST_CASE("of a file with averaged weights these are loaded, unless others are asked for") {
  Averaged a;
  const ModelFile file(a.path), raw(a.path, WeightSet::raw);
  CHECK(file.has_average());
  CHECK(file.weights() == WeightSet::ema);
  file.load(*a.backend, a.other);
  CHECK(a.is(a.average));
  CHECK(raw.has_average());
  CHECK(raw.weights() == WeightSet::raw);
  raw.load(*a.backend, a.other);
  CHECK(a.is(a.last));
  ModelFile(a.path, WeightSet::ema).load(*a.backend, a.other);
  CHECK(a.is(a.average));
  CHECK(contains(error_of([] { parse_weight_set("last"); }), "2: weights: got \"last\", expected one of \"auto\""));
  CHECK(parse_weight_set("raw") == WeightSet::raw);
}

TEST_CASE("stripping keeps the averaged weights alone, or those of the last step") {
  Averaged a;
  CHECK(strip_checkpoint(a.path, a.dir / "b") == WeightSet::ema);
  CHECK(strip_checkpoint(a.path, a.dir / "c", WeightSet::raw) == WeightSet::raw);
  for (const bool average : {true, false}) {
    const ModelFile file(a.dir / (average ? "b" : "c"));
    CHECK(file.file().entries().size() == ModelFile(a.path).file().entries().size() / 2);
    CHECK_FALSE(file.has_average());
    file.load(*a.backend, a.other);
    CHECK(a.is(average ? a.average : a.last));
    CHECK(contains(error_of([&] { ModelFile(file.path(), WeightSet::ema); }), "b: has no averaged weights") == average);
  }
}

TEST_CASE("a run or a conversion that starts from a file with averaged weights takes these") {
  Averaged a;
  (void)load_initial_weights(a.path, "", {}, *a.backend, a.other);
  CHECK(a.is(a.average));
  const auto first = [](const ResNetWeights& weights) { return weights.origins.at("conv1.weight"); };
  CHECK(first(read_network({a.path, "", ""})) == "ema.conv1.weight");
  CHECK(first(read_network({a.path, "", "model"})) == "model.conv1.weight");
  // A file that is not Tandem's does not say which it wants to be used.
  const SafetensorsFile ours(a.path);
  write_safetensors(a.dir / "b", ours.entries(), {});
  CHECK(first(read_network({a.dir / "b", "", ""})) == "model.conv1.weight");
}

}  // namespace
}  // namespace tandem
