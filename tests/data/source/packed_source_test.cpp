// Databases, archives and binary data sets, written by the tools that people write them with (fixtures/make.py).

#include <zlib.h>

#include <array>

#include "tests/data/source/sources.h"

namespace tandem {
namespace {

using test::contains;
using test::error_in_source;
using test::Labels;
using test::Names;
using test::source_fixture;

constexpr std::array kFiles = {"rgb.png", "smooth.jpg", "turned.jpg", "grey.png"};

/// The four files' pixels, and their bytes.
void check_files(const ImageSource& source) {
  REQUIRE(source.size() == kFiles.size());
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    INFO(kFiles[i]);
    CHECK(test::same(read_image(source, i), read_image(test::picture(kFiles[i]))));
    const std::string bytes = test::file_content(test::picture(kFiles[i]));
    CHECK(source.stored_bytes(i) == bytes.size());
    std::vector<std::uint8_t> tail(10);
    REQUIRE(source.read_stored(i, bytes.size() - 10, tail));
    CHECK(std::string(tail.begin(), tail.end()) == bytes.substr(bytes.size() - 10));
    CHECK_FALSE(source.read_stored(i, bytes.size() - 9, tail));
  }
}

TEST_CASE("a database of image files has the pixels and labels of the files") {
  const auto source = open_source({source_fixture("encoded.mdb")});
  check_files(*source);
  CHECK(source->labels() == Labels{2, 0, 1, 2});
  CHECK(source->classes() == Names{"0", "1", "2"});
  CHECK(source->name(1) == source_fixture("encoded.mdb") + ":00000001_smooth.jpg");
  CHECK(source->identity(1) == "00000001_smooth.jpg");
  // As people have it: a folder, with the names of the classes beside it.
  const test::TempDir dir;
  dir.write("train_lmdb/data.mdb", test::file_content(source_fixture("encoded.mdb")));
  dir.write("classes.txt", "a\nb\nc\n");
  CHECK(open_source({(dir / "train_lmdb").string()})->classes() == Names{"a", "b", "c"});
  CHECK(open_known_source({(dir / "train_lmdb").string()}, {"c", "b", "a"})->labels() == Labels{0, 2, 1, 0});
}

TEST_CASE("a database of raw pixels is read as blue, green and red planes, over pages of pages") {
  const auto source = open_source({source_fixture("raw.mdb")});
  REQUIRE(source->size() == 301);
  for (const std::size_t i : {0U, 1U, 150U, 299U}) {
    Image expected{2, 3, {}};
    for (std::size_t v = 0; v < 18; ++v) expected.pixels.push_back(static_cast<std::uint8_t>(v + i % 200));
    CHECK(test::same(read_image(*source, i), expected));
    CHECK(source->label(i) == static_cast<std::int32_t>(i % 3));
  }
  const Image grey = read_image(*source, 300);
  CHECK((grey.height == 50 && grey.width == 60));
  CHECK((grey.pixels[3 * 252] == 1 && grey.pixels[3 * 252 + 2] == 1));
  CHECK(contains(test::error_of([&] { (void)read_image(*source, 300, 2999); }), "60x50 pixels: expected at most 2999"));
}

TEST_CASE("shards of WebDataset have the pixels and labels of the files") {
  const auto source = open_source({source_fixture("shard-{000..001}.tar")});
  check_files(*source);
  CHECK(source->labels() == Labels{2, 0, 1, 2});
  CHECK(source->name(2) == source_fixture("shard-001.tar") + ":img2.jpg");
  CHECK(source->identity(2) == "shard-001.tar:img2.jpg");
}

TEST_CASE("archives with long names of either kind, and labels in JSON") {
  for (const char* name : {"pax.tar", "gnu.tar"}) {
    INFO(name);
    const auto source = open_source({source_fixture(name)});
    check_files(*source);
    CHECK(source->classes() == Names{"apple", "kiwi", "pear"});
    CHECK(source->labels() == Labels{2, 0, 1, 2});
    CHECK(contains(source->name(3), "longlonglong/éééé"));
  }
}

TEST_CASE("a damaged archive is named with the byte") {
  const test::TempDir dir;
  const std::string good = test::file_content(source_fixture("shard-000.tar"));
  const auto told = [&](const std::string& content) { return error_in_source({dir.write("a.tar", content).string()}); };
  const std::string where = "2: " + (dir / "a.tar").string() + ": damaged archive, at byte ";
  std::string bad = good;
  bad[1024] ^= 1;  // the second header
  CHECK(told(bad) == where + "1024: no header of a file: its checksum is wrong");
  CHECK(contains(told(good.substr(0, 512)), where + "0: cut short: 'img0."));
  CHECK(contains(told(good.substr(0, 1024)), where + "1024: cut short: the file ends there"));
  CHECK(contains(told(good + good), where + std::to_string(good.size()) + ": the file goes on behind"));
  CHECK(contains(error_in_source({source_fixture("shard-{000..002}.tar")}), "shard-002.tar: no such file"));
  CHECK(contains(error_in_source({source_fixture("shard-{x..y}.tar")}), "expected a range of numbers"));
}

TEST_CASE("a damaged database is named with the byte") {
  const test::TempDir dir;
  const std::string good = test::file_content(source_fixture("raw.mdb"));
  const auto told = [&](const std::string& content) { return error_in_source({dir.write("a.mdb", content).string()}); };
  CHECK(contains(told(good.substr(0, good.size() - 4096)), "a.mdb: damaged LMDB file, at byte "));
  CHECK(contains(told(good.substr(0, 100)), "at byte 0: the file ends before its header does"));
  std::string bad = good;
  bad[3 * 4096 + 12] = '\x03';
  CHECK(contains(told(bad), "damaged LMDB file, at byte "));
}

TEST_CASE("IDX files are read, packed or not") {
  const test::TempDir dir;
  const auto images = dir.write("train-images-idx3-ubyte", test::idx_images(5));
  dir.write("train-labels-idx1-ubyte", test::idx_labels(5));
  const auto check = [](const std::string& path) {
    const auto source = open_source({path});
    REQUIRE(source->size() == 5);
    CHECK(source->labels() == Labels{0, 1, 2, 0, 1});
    const Image image = read_image(*source, 3);
    CHECK((image.height == 2 && image.width == 3));
    CHECK(image.pixels[3 * 4] == 7 * 3 + 4);
    CHECK(image.pixels[3 * 4 + 2] == 7 * 3 + 4);
  };
  check(images.string());
  const std::string packed = (dir / "train-images-idx3-ubyte.gz").string();
  gzFile file = gzopen(packed.c_str(), "wb");
  const std::string content = test::idx_images(5);
  REQUIRE(gzwrite(file, content.data(), static_cast<unsigned>(content.size())) == static_cast<int>(content.size()));
  REQUIRE(gzclose(file) == Z_OK);
  check(packed);  // its labels are not packed

  const std::string whole = test::file_content(packed);
  dir.write("train-images-idx3-ubyte.gz", whole.substr(0, whole.size() - 9));
  CHECK(contains(error_in_source({packed}), "damaged gzip file"));
  dir.write("train-images-idx3-ubyte", content.substr(0, 40));
  CHECK(contains(error_in_source({images.string()}), "40 bytes: its header says 46"));
  dir.write("train-images-idx3-ubyte", test::idx_images(4));
  CHECK(contains(error_in_source({images.string()}), "5 labels: expected one for each of the 4 images"));
}

TEST_CASE("CIFAR's files are read, with fine labels and the names that come with them") {
  const test::TempDir dir;
  const auto ten = dir.write("data_batch_1.bin", test::cifar_records(4, 1));
  const auto hundred = dir.write("more/train.bin", test::cifar_records(3, 2));
  dir.write("batches.meta.txt", "airplane\nautomobile\nbird\n\n");
  const auto source = open_source({ten.string()});
  CHECK(source->labels() == Labels{0, 1, 2, 0});
  CHECK(source->classes() == Names{"airplane", "automobile", "bird"});
  const Image image = read_image(*source, 2);
  for (int c = 0; c < 3; ++c) CHECK(image.row(1)[3 * 5 + c] == 2 + 37 + 50 * c);
  CHECK(open_source({hundred.string()})->labels() == Labels{0, 1, 2});
  CHECK(open_source({(dir / "{data_batch_1,data_batch_1}.bin").string()})->size() == 8);
  dir.write("data_batch_1.bin", test::cifar_records(4, 1) + "x");
  CHECK(contains(error_in_source({ten.string()}), "12293 bytes: expected a multiple of 3073 (CIFAR-10) or of 3074"));
}

}  // namespace
}  // namespace tandem
