#include "io/safetensors.h"

#include <cstring>
#include <fstream>
#include <iterator>

#include "core/base/rng.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/train/loop/limits.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A file of this header and data.
std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t size = header.size();
  std::string text(reinterpret_cast<const char*>(&size), 8);
  return text + header + data;
}

std::string read_error(const std::filesystem::path& path) {
  return error_of([&] { SafetensorsFile file(path); });
}

/// Three small tensors of different types, one of them empty.
struct Small {
  std::vector<float> weight = {1, -2.5F, 3e-20F, 4, 5, 6};
  std::vector<std::int64_t> step = {1234567890123};
  std::vector<std::uint8_t> odd = {7, 8, 9};
  SafetensorsMetadata metadata = {{"epoch", "3"}, {"text", "a \"quoted\"\nline \xC3\xA9"}};

  std::vector<SafetensorsEntry> entries() const {
    return {{"odd", "U8", {3}, std::as_bytes(std::span(odd))},
            {"model.weight", "F32", {2, 3}, std::as_bytes(std::span(weight))},
            {"empty", "F64", {0, 4}, {}},
            {"step", "I64", {}, std::as_bytes(std::span(step))}};
  }
  void write(const std::filesystem::path& path) const { write_safetensors(path, entries(), metadata); }
};

TEST_CASE("a safetensors file reads back what was written") {
  const test::TempDir folder;
  const Small small;
  small.write(folder / "a.safetensors");
  const SafetensorsFile file(folder / "a.safetensors");

  CHECK(file.metadata() == small.metadata);
  CHECK(file.has_checksum());
  CHECK(file.entries().size() == 4);
  for (const auto& entry : small.entries()) {
    INFO(entry.name);
    const SafetensorsEntry* found = file.find(entry.name);
    REQUIRE(found != nullptr);
    CHECK(found->dtype == entry.dtype);
    CHECK(found->shape == entry.shape);
    CHECK(std::equal(found->data.begin(), found->data.end(), entry.data.begin(), entry.data.end()));
  }
  CHECK(file.find("model.bias") == nullptr);
  CHECK(file.entries()[0].name == "odd");  // In the order written.
  CHECK(file.entries()[3].name == "step");
}

TEST_CASE("a safetensors file is laid out as the format says") {
  const test::TempDir folder;
  const std::vector<float> values = {1, 2};
  write_safetensors(folder / "a", std::vector<SafetensorsEntry>{{"w", "F32", {2}, std::as_bytes(std::span(values))}},
                    {{"k", "v"}});
  const std::string bytes = content(folder / "a");
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  CHECK(header % 8 == 0);
  CHECK(bytes.size() == 8 + header + 8);
  std::string text = bytes.substr(8, header);
  text.resize(text.find_last_not_of(' ') + 1);
  const std::size_t digits = text.find("tandem.checksum\":\"") + 18;
  text.replace(digits, 32, "");
  CHECK(text == R"({"__metadata__":{"tandem.checksum":"","k":"v"},)"
                R"("w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})");
  CHECK(std::memcmp(bytes.data() + 8 + header, values.data(), 8) == 0);
}

TEST_CASE("the same content is written as the same bytes") {
  const test::TempDir folder;
  Small().write(folder / "a");
  Small().write(folder / "b");
  CHECK(content(folder / "a") == content(folder / "b"));
}

TEST_CASE("a file of another program needs no checksum") {
  const test::TempDir folder;
  // Tensors in another order than their data, and no metadata.
  const auto path = folder.write("a", file_of(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},)"
                                              R"("a":{"dtype":"BF16","shape":[1,1],"data_offsets":[0,2]}}  )",
                                              "xyz"));
  const SafetensorsFile file(path);
  CHECK_FALSE(file.has_checksum());
  CHECK(file.metadata().empty());
  CHECK(file.entries()[0].name == "a");
  CHECK(file.find("b")->data[0] == std::byte{'z'});
}

TEST_CASE("a checkpoint truncated anywhere is refused") {
  const test::TempDir folder;
  Small().write(folder / "good");
  const std::string good = content(folder / "good");
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto path = folder.write("bad", good.substr(0, size));
    const std::string error = read_error(path);
    if (!contains(error, "2: " + path.string() + ": ")) FAIL("cut to " << size << " bytes: " << error);
  }
  CHECK(contains(read_error(folder.write("bad", good + '\0')), "bytes of data, but its tensors take"));
}

TEST_CASE("a flipped bit anywhere is refused") {
  const test::TempDir folder;
  Small().write(folder / "good");
  const std::string good = content(folder / "good");
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const auto path = folder.write("bad", bad);
    std::string error;
    bool checked = true;
    error = error_of([&] { checked = SafetensorsFile(path).has_checksum(); });
    // A flip in the checksum's own key leaves a file without one, which its reader sees.
    if (checked && !contains(error, "2: " + path.string() + ": ")) FAIL("bit " << bit << ": " << error);
    if (contains(error, "\n")) FAIL("bit " << bit << ": more than a line: " << error);
  }
}

TEST_CASE("noise is refused and never crashes") {
  const test::TempDir folder;
  Small().write(folder / "good");
  const std::string good = content(folder / "good");
  for (std::uint32_t round = 0; round < 500; ++round) {
    Random random(1, RandomPurpose::test, 0, 0, round);
    std::string bad = good;
    for (std::uint32_t i = 0; i <= random.below(20); ++i)
      bad[random.below(static_cast<std::uint32_t>(bad.size()))] = static_cast<char>(random.bits());
    if (bad == good) continue;
    bool checked = true;
    const std::string error = error_of([&] { checked = SafetensorsFile(folder.write("bad", bad)).has_checksum(); });
    if (checked && !contains(error, "2: ")) FAIL("round " << round << ": " << error);
  }
}

TEST_CASE("a header that lies is refused with what is wrong") {
  const test::TempDir folder;
  const auto error = [&](const std::string& header, const std::string& data) {
    return read_error(folder.write("bad", file_of(header, data)));
  };
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"w":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  CHECK(error(tensor("\"F32\"", "[1]", "[0,4]"), "abcd").empty());
  CHECK(contains(error(tensor("\"F33\"", "[1]", "[0,4]"), "abcd"), "the tensor w has the unknown dtype \"F33\""));
  CHECK(contains(error(tensor("32", "[1]", "[0,4]"), "abcd"), "the tensor w has the unknown dtype 32"));
  CHECK(contains(error(tensor("\"F32\"", "[2]", "[0,4]"), "abcd"), "the tensor w is F32 [2], but has 4 bytes"));
  CHECK(contains(error(tensor("\"F32\"", "[-1]", "[0,4]"), "abcd"), "has -1 where a size"));
  CHECK(contains(error(tensor("\"F32\"", "[1.0]", "[0,4]"), "abcd"), "has 1.0 where a size"));
  CHECK(contains(error(tensor("\"F32\"", "1", "[0,4]"), "abcd"), "has 1 where a list"));
  CHECK(contains(error(tensor("\"F32\"", "[1]", "[0,8]"), "abcd"), "is at [0,8], of 4 bytes of data: truncated"));
  CHECK(contains(error(tensor("\"F32\"", "[1]", "[4,0]"), "abcd"), "is at [4,0]"));
  CHECK(contains(error(tensor("\"F32\"", "[1]", "[0]"), "abcd"), "is at [0]"));
  CHECK(contains(error(tensor("\"F32\"", "[1]", "[1,5]"), "abcde"), "does not begin where the one before it ends"));
  // 2^62 elements of 4 bytes are 2^64 bytes, which is 0 where it overflows.
  CHECK(contains(error(tensor("\"F32\"", "[4611686018427387904]", "[0,0]"), ""), "but has 0 bytes"));
  CHECK(contains(error(R"({"w":{"dtype":"U8","shape":[1]}})", "a"), "the tensor w has no data_offsets"));
  CHECK(contains(error(R"({"w":3})", "a"), "the tensor w has no dtype"));
  CHECK(contains(error(R"({"__metadata__":{"a":1}})", ""), "/__metadata__/a is not a string"));
  CHECK(contains(error(R"({"__metadata__":[]})", ""), "/__metadata__ is not an object"));
  CHECK(contains(error("[]", ""), "is not a JSON object"));
  CHECK(contains(error(std::string(100000, '['), ""), "nested too deep"));
  const std::string one = R"("w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(contains(error("{" + one + "," + one + "}", ""), "has \"w\" twice"));
  const std::string two = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":)";
  CHECK(
      contains(error(two + R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"), "the tensor b does not begin"));
  CHECK(contains(error(two + R"({"dtype":"U8","shape":[1],"data_offsets":[2,3]}})", "xyz"), "the tensor b does not"));
}

TEST_CASE("something that is not a checkpoint is refused") {
  const test::TempDir folder;
  CHECK(contains(read_error(folder / "missing"), "cannot open: No such file or directory"));
  CHECK(contains(read_error(folder.path()), "not a file, expected a safetensors file"));
  CHECK(contains(read_error(folder.write("empty", "")), "0 bytes long, expected a safetensors file"));
  const auto text = folder.write("text", "This is not a checkpoint at all.");
  CHECK(read_error(text) == "2: " + text.string() + ": not a safetensors file");
  const auto torch = folder.write("resnet50.pth", "PK\x03\x04" + std::string(100, '\0'));
  CHECK(read_error(torch) ==
        "2: " + torch.string() + ": a PyTorch file, expected safetensors: tandem-convert makes one");
}

TEST_CASE("a file larger than the memory is refused after a look at its header") {
  const test::TempDir folder;
  const auto refusal_of = [&](const std::string& begin) {
    const auto path = folder.write("large", begin);
    std::filesystem::resize_file(path, std::uintmax_t{1} << 42U);  // Zeros that take no space on the disk.
    return read_error(path);
  };
  CHECK(contains(refusal_of("The log of a long day"), ": not a safetensors file"));
  CHECK(contains(refusal_of(file_of(R"({"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "")),
                 "but its tensors take 4"));
}

TEST_CASE("entries that contradict themselves are not written") {
  const test::TempDir folder;
  const std::vector<float> values = {1, 2};
  const auto bytes = std::as_bytes(std::span(values));
  const auto error = [&](std::vector<SafetensorsEntry> entries, SafetensorsMetadata metadata) {
    return error_of([&] { write_safetensors(folder / "a", entries, metadata); });
  };
  CHECK(contains(error({{"w", "F32", {3}, bytes}}, {}), "1: safetensors: the tensor w is F32 [3], but has 8 bytes"));
  CHECK(contains(error({{"w", "F31", {2}, bytes}}, {}), "1: safetensors: the tensor w"));
  CHECK(contains(error({{"w", "F32", {2}, bytes}, {"w", "F32", {2}, bytes}}, {}), "the tensor w occurs twice"));
  CHECK(contains(error({}, {{"tandem.checksum", "x"}}), "is the writer's own key"));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a full disk leaves the earlier checkpoint and no other file") {
  const test::TempDir folder;
  const auto path = folder / "last.safetensors";
  Small().write(path);
  const std::string before = content(path);

  const std::vector<float> large(100000, 1.0F);
  const std::vector<SafetensorsEntry> entries = {{"w", "F32", {100000}, std::as_bytes(std::span(large))}};
  std::string error;
  {
    const test::FileSizeLimit full(65536);
    error = error_of([&] { write_safetensors(path, entries, {}); });
  }
  CHECK(error == "1: " + path.string() + ": cannot write: File too large");
  CHECK(content(path) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);

  write_safetensors(path, entries, {});  // With room again.
  CHECK(SafetensorsFile(path).find("w")->data.size() == 400000);
}

}  // namespace
}  // namespace tandem
