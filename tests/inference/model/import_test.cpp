#include "inference/model/import.h"

#include <cmath>
#include <list>

#include "core/backend/host_copy.h"
#include "core/base/rng.h"
#include "inference/model/model_file.h"
#include "inference/model/tensors.h"
#include "layers/backbones/factory.h"
#include "layers/initialise.h"
#include "layers/torch_layout.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/caffe_models.h"
#include "tests/weights/caffe_run.h"
#include "tests/weights/files.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;
using test::Planes;

constexpr int kSize = 64;  // even, so that Caffe's pool reaches over the end

/// Pixels of an image, (H, W, 3), R, G and B.
std::vector<std::uint8_t> draw_pixels() {
  Random random(3, RandomPurpose::test, 0, 0, 0);
  std::vector<std::uint8_t> pixels(3 * kSize * kSize);
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
  return pixels;
}

/// The logits of a network from pixels, whose channels it takes in the order BGR or RGB.
std::vector<double> logits_of(Backend& backend, TwinTowers& network, std::vector<std::uint8_t> pixels, bool bgr,
                              DType type = DType::f64) {
  for (std::size_t i = 0; bgr && i < pixels.size(); i += 3) std::swap(pixels[i], pixels[i + 2]);
  Tensor bytes = backend.empty({1, kSize, kSize, 3}, DType::u8);
  backend.copy_from_host(pixels.data(), bytes);
  Tensor images = backend.empty(bytes.shape(), type);
  backend.normalize_images(bytes, images);
  Context context{backend, type};
  return download(backend, network.forward(context, images).logits.value());
}

/// What Caffe gets: B, G and R, less the mean, times the scale.
Planes caffe_input(const std::vector<std::uint8_t>& pixels, const std::array<double, 3>& mean, double scale) {
  Planes planes(3, kSize, kSize);
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < kSize; ++i)
      for (int j = 0; j < kSize; ++j)
        planes.at(c, i, j) =
            (pixels[static_cast<std::size_t>((i * kSize + j) * 3 + 2 - c)] - mean[static_cast<std::size_t>(c)]) * scale;
  return planes;
}

void check_close(const std::vector<double>& ours, const std::vector<double>& theirs, double tolerance) {
  REQUIRE(ours.size() == theirs.size());
  double largest = 0;
  for (const double value : theirs) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < ours.size(); ++i) {
    INFO("logit " << i << ": " << ours[i] << ", expected " << theirs[i]);
    CHECK(std::abs(ours[i] - theirs[i]) < tolerance * largest);
  }
}

struct Files {
  test::TempDir folder;
  std::filesystem::path out = folder / "out.safetensors";

  std::filesystem::path write(const caffe::NetParameter& net) const {
    return folder.write("net.caffemodel", net.SerializeAsString());
  }
  /// As tandem-convert does it.
  ModelFile convert(const std::filesystem::path& in, const ImportOptions& options) const {
    ResNetWeights weights = read_resnet({in, "", ""});
    const ModelDescription model = describe_import(in, options, weights);
    (void)write_import(in, weights, model, out);
    return ModelFile(out);
  }
};

TEST_CASE("a Caffe network computes in Tandem what it computes in Caffe") {
  const Files files;
  for (const bool old : {false, true}) {
    const caffe::NetParameter net = test::CaffeBuilder().resnet().net;
    ImportOptions options;
    options.mean = {100, 120, 140};
    options.scale = 0.02;
    options.size = kSize;
    // The old format has no epsilon, so that it is Caffe's own.
    caffe::NetParameter run = net;
    if (old)
      for (caffe::LayerParameter& layer : *run.mutable_layer()) layer.clear_batch_norm_param();
    const ModelFile model = files.convert(files.write(old ? test::to_v1(net) : net), options);
    CHECK(model.description().backbone.resnet == ResNetVariant{{2, 1}, 2, 4, true, true});
    CHECK(model.description().classes == std::vector<std::string>{"0", "1", "2"});
    CHECK(model.description().classifier_trained);
    CHECK_FALSE(model.description().embedding_trained);
    const auto backend = make_reference_backend();
    TwinTowers network(*backend, DType::f64, tower_options(model.description()));
    model.load(*backend, network);
    const auto pixels = draw_pixels();
    const auto expected = test::run_caffe(run, caffe_input(pixels, *options.mean, 0.02), "answer");
    check_close(logits_of(*backend, network, pixels, true), expected, 1e-5);
    network.backbone().fold(*backend);
    check_close(logits_of(*backend, network, pixels, true), expected, 1e-5);
  }
}

TEST_CASE("a run that starts from a Caffe network begins close to what Caffe computes") {
  const Files files;
  const caffe::NetParameter net = test::CaffeBuilder().resnet().net;
  const auto path = files.write(net);
  const auto backend = make_reference_backend();
  BackboneSpec backbone;
  backbone.resnet = {{2, 1}, 2, 4, true, true};
  TwinTowers network(*backend, DType::f64, {backbone, 3, {8}});
  initialise(*backend, network, 1);
  const InitialWeights initial = load_initial_weights(path, "", {}, *backend, network);
  const auto pixels = draw_pixels();
  check_close(logits_of(*backend, network, pixels, false),
              test::run_caffe(net, caffe_input(pixels, {104, 117, 123}, 1), "answer"), 0.02);
  std::size_t random = 0;
  for (const MatchedTensor& tensor : initial.match.tensors) random += tensor.source == nullptr ? 1U : 0U;
  CHECK(random == 2);  // the embedding head's weight and bias

  // The same from the checkpoint that tandem-convert makes of it.
  ImportOptions options;
  options.size = kSize;
  (void)files.convert(path, options);
  TwinTowers again(*backend, DType::f64, {backbone, 3, {8}});
  initialise(*backend, again, 1);
  (void)load_initial_weights(files.out, "", {}, *backend, again);
  check_close(logits_of(*backend, again, pixels, false), logits_of(*backend, network, pixels, false), 1e-5);

  // A run whose input is as Caffe's computes exactly what Caffe does, and changes nothing for it.
  InputOptions input;
  input.channels = InputOptions::Channels::bgr;
  input.scale = 1;
  input.mean = {100, 120, 140};
  input.deviation = {1, 1, 1};
  const InputDescription caffe_like(input, kSize);
  backbone.input = caffe_like.statistics();
  TwinTowers same(*backend, DType::f64, {backbone, 3, {8}});
  initialise(*backend, same, 1);
  const InitialWeights unchanged = load_initial_weights(path, "", {}, *backend, same, caffe_like);
  for (const std::string& note : unchanged.weights.notes) CHECK_FALSE(contains(note, "are turned"));
  check_close(logits_of(*backend, same, pixels, true),
              test::run_caffe(net, caffe_input(pixels, input.mean, 1), "answer"), 1e-5);
  backbone.input = {};

  // A network of torchvision's kind computes something else with these weights, and the run says so.
  backbone.resnet = {{2, 1}, 2, 4, false, false};
  TwinTowers other(*backend, DType::f64, {backbone, 4, {8}});
  initialise(*backend, other, 1);
  const InitialWeights told = load_initial_weights(path, "", {"layer2.*"}, *backend, other);
  const std::string table = describe_match(told.match, told.weights.origins);
  CHECK(contains(table, "F32 (3, 16) in the file"));
  CHECK(contains(table, "skipped by \"layer2.*\""));
  CHECK(std::count_if(told.weights.notes.begin(), told.weights.notes.end(),
                      [](const std::string& note) { return contains(note, "compute other features"); }) == 2);
}

/// A file that PyTorch could have written of a network with random weights and statistics, under each of the prefixes,
/// and tensors of zeros beside them.
class TorchFile {
 public:
  TorchFile(Backend& backend, const TwinTowersOptions& options)
      : backend_(backend), network(backend, DType::f32, options) {}

  void add(const std::string& prefix, std::uint64_t seed) {
    initialise(backend_, network, seed);
    std::uint64_t number = 100 * seed;
    for (const NamedTensor& t : network.state()) {
      if (t.name.starts_with("embedding.")) continue;
      if (t.tensor().shape().rank() == 1) {
        std::vector<float> values(static_cast<std::size_t>(t.tensor().size()));
        Random random(++number, RandomPurpose::test);
        for (float& value : values) value = random.uniform(0.5F, 1.5F);
        upload(backend_, values, t.tensor());
      }
      bytes_.push_back(file_bytes(backend_, t.tensor()));
      entries_.push_back(file_entry(prefix + t.name, t.tensor(), bytes_.back()));
    }
  }
  void add_zeros(const std::string& name, std::size_t count) {
    bytes_.emplace_back(4 * count);
    entries_.push_back({name, "F32", {static_cast<std::int64_t>(count)}, bytes_.back()});
  }
  void write(const std::filesystem::path& path) const { write_safetensors(path, entries_, {}); }

 private:
  Backend& backend_;
  std::list<std::vector<std::byte>> bytes_;
  std::vector<SafetensorsEntry> entries_;

 public:
  TwinTowers network;  ///< with the weights that were added last
};

BackboneSpec narrow(std::string_view name) {
  BackboneSpec spec{std::string(name)};
  spec.resnet.width = spec.resnet.stem_width = 16;
  return spec;
}

TEST_CASE("every backbone is recognised by its tensors") {
  const auto backend = make_cpu_backend();
  for (const std::string_view name : backbone_names()) {
    CAPTURE(name);
    TwinTowers network(*backend, DType::f32, {narrow(name), 5, {8}});
    WeightsFile file;
    file.path = "a.pth";
    file.format = "PyTorch";
    for (const NamedTensor& t : network.state())
      file.entries.push_back({"module." + t.name, "F32", torch_shape(t.tensor().shape()), {}});
    ResNetWeights weights = resnet_by_names(std::move(file), "");
    const ModelDescription model = describe_import("a.pth", {}, weights);
    CHECK(model.backbone.name == name);
    CHECK(model.backbone.resnet == narrow(name).resnet);
  }
}

TEST_CASE("a file by timm's names computes what the network did that wrote it, whatever it expects as its input") {
  const Files files;
  const auto backend = make_cpu_backend();
  BackboneSpec spec = narrow("resnext50_32x4d");
  spec.resnet.depths = {1, 2};
  spec.resnet.deep_stem = spec.resnet.pooled_shortcut = true;
  TorchFile torch(*backend, {spec, 3, {8}});
  torch.add("", 1);
  torch.write(files.folder / "a.safetensors");
  const ModelFile model = files.convert(files.folder / "a.safetensors", {});
  CHECK(model.description().backbone.name == "resnext50_32x4d");
  CHECK(model.description().backbone.resnet == spec.resnet);
  TwinTowers network(*backend, DType::f32, tower_options(model.description()));
  model.load(*backend, network);
  const auto pixels = draw_pixels();
  check_close(logits_of(*backend, network, pixels, false, DType::f32),
              logits_of(*backend, torch.network, pixels, false, DType::f32), 1e-6);

  // A run expects ImageNet's input; with its mean, but another scale, the border is no exception.
  ImportOptions options;
  options.mean = {0.485 * 255, 0.456 * 255, 0.406 * 255};
  options.scale = 0.01;
  const ModelFile scaled = files.convert(files.folder / "a.safetensors", options);
  TwinTowers expected(*backend, DType::f32, tower_options(scaled.description())),
      run(*backend, DType::f32, {spec, 3, {8}});
  scaled.load(*backend, expected);
  initialise(*backend, run, 1);
  (void)load_initial_weights(files.out, "", {}, *backend, run);
  const auto logits = logits_of(*backend, run, pixels, false, DType::f32);
  check_close(logits, logits_of(*backend, expected, pixels, false, DType::f32), 1e-4);
  CHECK(logits != logits_of(*backend, network, pixels, false, DType::f32));
}

TEST_CASE("a run starts from the set of weights under its key") {
  const Files files;
  const auto backend = make_cpu_backend();
  BackboneSpec spec = narrow("resnet26d");
  spec.resnet.depths = {1, 1};
  TorchFile torch(*backend, {spec, 3, {8}});
  const auto path = files.folder / "a.safetensors";
  const auto pixels = draw_pixels();
  torch.add("state_dict.", 1);
  const auto first = logits_of(*backend, torch.network, pixels, false, DType::f32);
  torch.add("state_dict_ema.", 2);
  const auto second = logits_of(*backend, torch.network, pixels, false, DType::f32);
  torch.write(path);
  const auto from = [&](const std::string& key) {
    TwinTowers run(*backend, DType::f32, {spec, 3, {8}});
    initialise(*backend, run, 1);
    (void)load_initial_weights(path, key, {}, *backend, run);
    return logits_of(*backend, run, pixels, false, DType::f32);
  };
  CHECK(from("") == first);
  CHECK(from("state_dict_ema") == second);
  CHECK(contains(error_of([&] { from("ema"); }), "nothing under the key ema, expected one of \"state_dict.\""));
}

TEST_CASE("a network whose blocks have more than a ResNet's is refused") {
  const Files files;
  const auto backend = make_cpu_backend();
  BackboneSpec spec = narrow("resnet50");
  spec.resnet.depths = {1};
  TorchFile torch(*backend, {spec, 3, {8}});
  torch.add("", 1);
  torch.add_zeros("layer1.0.se.fc1.bias", 4);
  const auto path = files.folder / "a.safetensors";
  torch.write(path);
  CHECK(error_of([&] { (void)files.convert(path, {}); }) ==
        "2: " + path.string() + ": layer1.0.se.fc1.bias is in its blocks, which no ResNet of Tandem's has");
}

TEST_CASE("a network that is no backbone of Tandem's is refused") {
  const auto error = [](const ResNetShape& shape, const std::vector<std::string>& classes, std::int64_t have) {
    ResNetWeights weights;
    weights.shape = shape;
    weights.classes = have;
    ImportOptions options;
    options.classes = classes;
    return error_of([&] { (void)describe_import("a.pth", options, weights); });
  };
  ResNetShape shape;
  shape.depths = {3, 4, 6, 3};
  CHECK(error(shape, {}, 10).empty());
  CHECK(error(shape, {"a", "b"}, 0).empty());
  CHECK(error(shape, {"a", "b"}, 3) == "2: a.pth: its classifier has 3 classes, but 2 are named");
  CHECK(contains(error(shape, {}, 0), "has no classifier, so expected a file with the names"));
  shape.width = 48;
  shape.inner_width = 50;
  CHECK(error(shape, {}, 10) ==
        "2: a.pth: a ResNet of width 48 with 1 groups of 50 channels, which none of Tandem's backbones has");
  for (const auto member : {&ResNetShape::width, &ResNetShape::inner_width, &ResNetShape::groups}) {
    ResNetShape none = shape;
    none.*member = 0;
    CHECK(contains(error(none, {}, 10), "which none of Tandem's backbones has"));
  }
}

}  // namespace
}  // namespace tandem
