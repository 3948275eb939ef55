// Files that are cut, flipped and shuffled: refused with one line, or read, and never a crash. TANDEM_MUTATIONS in the
// environment says how many of each format.

#include <sys/mman.h>
#include <unistd.h>

#include "core/base/rng.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/caffe_models.h"
#include "tests/weights/files.h"
#include "weights/onnx/onnx.pb.h"
#include "weights/resnet_weights.h"

namespace tandem {
namespace {

std::uint32_t mutations() {
  const char* asked = std::getenv("TANDEM_MUTATIONS");
  return asked ? static_cast<std::uint32_t>(std::strtoul(asked, nullptr, 10)) : 10000;
}

/// The file with some bytes replaced, a piece moved or doubled, or its end cut off.
std::string mutate(const std::string& good, std::uint32_t round) {
  Random random(1, RandomPurpose::test, 0, 0, round);
  const auto place = [&](const std::string& text) { return random.below(static_cast<std::uint32_t>(text.size())); };
  std::string bad = good;
  switch (random.below(4)) {
    case 0:
      bad.resize(place(bad));
      break;
    case 1:
      bad.insert(place(bad), bad.substr(place(bad), random.below(64)));
      break;
    case 2:
      bad.erase(place(bad), random.below(16));
      break;
    default:
      break;
  }
  if (bad.empty()) return bad;
  for (std::uint32_t i = 0; i <= random.below(8); ++i) {
    // Half of them numbers that lie at a border.
    constexpr unsigned char kBorders[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    bad[place(bad)] = static_cast<char>(random.below(2) == 0 ? kBorders[random.below(5)] : random.bits() & 0xffU);
  }
  return bad;
}

/// A file in memory: thousands on the disk would take long.
class MemoryFile {
 public:
  MemoryFile() : file_(::memfd_create("mutated", 0)) {
    if (file_ < 0) throw std::runtime_error("memfd_create");
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path write(const std::string& content) const {
    const bool written = ::ftruncate(file_, static_cast<off_t>(content.size())) == 0 &&
                         ::pwrite(file_, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size());
    if (!written) throw std::runtime_error("memory file");
    return "/proc/self/fd/" + std::to_string(file_);
  }

 private:
  int file_;
};

/// Reads mutated files, every byte of every tensor as well.
void check_mutations(const std::string& good) {
  const MemoryFile file;
  std::uint64_t refused = 0, sum = 0;
  for (std::uint32_t round = 0; round < mutations(); ++round) {
    const auto path = file.write(mutate(good, round));
    const std::string error = test::error_of([&] {
      for (const WeightsEntry& entry : read_weights(path).entries)
        for (const std::byte byte : entry.data) sum += std::to_integer<std::uint64_t>(byte);
      (void)read_resnet({path, "", ""});
    });
    if (error.empty()) continue;
    ++refused;
    const bool clear = error.starts_with("2: " + path.string() + ": ") && error.find('\n') == std::string::npos;
    if (!clear) FAIL("round " << round << ": " << error);
  }
  CHECK(refused > mutations() / 2);
  CHECK(sum > 0);
}

TEST_CASE("a mutated PyTorch archive is refused and never crashes") {
  check_mutations(test::content(test::weights_fixture("zip.pth")));
}

TEST_CASE("a mutated PyTorch file of the old format is refused and never crashes") {
  check_mutations(test::content(test::weights_fixture("legacy.pth")));
}

TEST_CASE("a mutated Caffe model is refused or read, and never crashes") {
  const caffe::NetParameter net = test::CaffeBuilder().resnet().net;
  check_mutations(net.SerializeAsString());
}

TEST_CASE("a mutated Caffe model of the old format is refused or read, and never crashes") {
  check_mutations(test::to_v1(test::CaffeBuilder().resnet().net).SerializeAsString());
}

TEST_CASE("a mutated ONNX model is refused or read, and never crashes") {
  onnx::ModelProto model;
  model.set_ir_version(8);
  for (const std::string name : {"conv1.weight", "bn1.weight", "layer1.0.conv1.weight"}) {
    onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(1);
    tensor.add_dims(4);
    tensor.set_raw_data(std::string(16, 'x'));
  }
  check_mutations(model.SerializeAsString());
}

TEST_CASE("a mutated safetensors file is refused and never crashes") {
  const test::TempDir folder;
  const std::vector<float> values = {1, 2, 3, 4};
  const auto bytes = std::as_bytes(std::span(values));
  write_safetensors(
      folder / "good",
      std::vector<SafetensorsEntry>{{"conv1.weight", "F32", {1, 1, 2, 2}, bytes}, {"fc.bias", "F16", {8}, bytes}},
      {{"a", "b"}});
  check_mutations(test::content(folder / "good"));
}

TEST_CASE("a mutated prototxt is refused or read, and never crashes") {
  const test::TempDir folder;
  const caffe::NetParameter net = test::CaffeBuilder().resnet().net;
  const MemoryFile file;
  const auto model = folder.write("model", net.SerializeAsString());
  const std::string good = net.DebugString().substr(0, 6000);  // with some of its numbers
  for (std::uint32_t round = 0; round < mutations() / 10; ++round) {
    const auto path = file.write(mutate(good, round));
    const std::string error = test::error_of([&] { (void)read_resnet({model, path, ""}); });
    if (!error.empty() && error.find('\n') != std::string::npos) FAIL("round " << round << ": " << error);
  }
}

}  // namespace
}  // namespace tandem
