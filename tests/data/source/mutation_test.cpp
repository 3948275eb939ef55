// Sources that are cut, flipped and shuffled: refused with one line, or read, and never a crash. TANDEM_MUTATIONS in
// the environment says how many of each kind.

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <functional>

#include "core/base/rng.h"
#include "data/source/cifar_source.h"
#include "data/source/idx_source.h"
#include "data/source/lmdb_source.h"
#include "data/source/table_source.h"
#include "data/source/tar_source.h"
#include "tests/data/source/sources.h"

namespace tandem {
namespace {

using test::source_fixture;

std::uint32_t mutations() {
  const char* asked = std::getenv("TANDEM_MUTATIONS");
  return asked != nullptr ? static_cast<std::uint32_t>(std::strtoul(asked, nullptr, 10)) : 500;
}

/// The file with some bytes replaced, a piece doubled or left out, or its end cut off.
std::string mutate(const std::string& good, std::uint32_t round) {
  Random random(1, RandomPurpose::test, 0, 0, round);
  const auto place = [&](const std::string& text) { return random.below(static_cast<std::uint32_t>(text.size())); };
  std::string bad = good;
  switch (random.below(6)) {
    case 0:
      bad.resize(place(bad));
      break;
    case 1:
      bad.insert(place(bad), bad.substr(place(bad), random.below(600)));
      break;
    case 2:
      bad.erase(place(bad), random.below(600));
      break;
    default:
      break;
  }
  if (bad.empty()) return bad;
  // Numbers of the formats are where bytes are few and small.
  for (std::uint32_t i = 0; i <= random.below(8); ++i) {
    constexpr unsigned char kBorders[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    const std::uint32_t at = random.below(3) == 0
                                 ? random.below(std::min<std::uint32_t>(200, static_cast<std::uint32_t>(bad.size())))
                                 : place(bad);
    bad[at] = static_cast<char>(random.below(2) == 0 ? kBorders[random.below(5)] : random.bits() & 0xffU);
  }
  return bad;
}

/// A file in memory, with a name in a folder.
class MemoryFile {
 public:
  explicit MemoryFile(const std::filesystem::path& name) : file_(::memfd_create("mutated", 0)) {
    if (file_ < 0) throw std::runtime_error("memfd_create");
    std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(file_), name);
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void write(const std::string& content) const {
    const bool written = ::ftruncate(file_, static_cast<off_t>(content.size())) == 0 &&
                         ::pwrite(file_, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size());
    if (!written) throw std::runtime_error("memory file");
  }

 private:
  int file_;
};

using Open = std::function<std::unique_ptr<const ImageSource>(const std::filesystem::path&)>;

long peak_kilobytes() {
  rusage usage = {};
  (void)::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// Opens mutated sources and reads their images.
void check_mutations(const test::TempDir& dir, const std::string& name, const std::string& good, const Open& open) {
  constexpr std::int64_t kMostPixels = 1 << 18;
  const MemoryFile file(dir / name);
  const long before = peak_kilobytes();
  std::uint64_t refused = 0, read = 0;
  for (std::uint32_t round = 0; round < mutations(); ++round) {
    file.write(mutate(good, round));
    std::string error = test::error_of([&] {
      const auto source = open(dir / name);
      for (std::size_t i = 0; i < std::min<std::size_t>(source->size(), 8); ++i) {
        const Image image = read_image(*source, i, kMostPixels);
        read += image.pixels.size() == static_cast<std::size_t>(image.height * image.width) * 3 ? 1 : 0;
      }
    });
    refused += error.empty() ? 0 : 1;
    const bool clear = error.empty() || (error.starts_with("2: " + dir.path().string()) &&
                                         error.find_first_of("\n\r") == std::string::npos);
    if (!clear) FAIL("round " << round << ": " << error);
  }
  CHECK(refused > mutations() / 20);
  CHECK(read > 0);
  CHECK(peak_kilobytes() - before < 256 << 10);
}

template <class Source>
std::unique_ptr<const ImageSource> opened(const std::filesystem::path& path) {
  return std::make_unique<Source>(path, ExpectedClasses{});
}

TEST_CASE("a mutated database of files is refused or read, and never crashes") {
  const test::TempDir dir;
  check_mutations(dir, "data.mdb", test::file_content(source_fixture("encoded.mdb")), opened<LmdbSource>);
}

TEST_CASE("a mutated database of pixels is refused or read, and never crashes") {
  const test::TempDir dir;
  check_mutations(dir, "data.mdb", test::file_content(source_fixture("raw.mdb")), opened<LmdbSource>);
}

TEST_CASE("a mutated shard is refused or read, and never crashes") {
  for (const char* name : {"shard-000.tar", "pax.tar", "gnu.tar"}) {
    const test::TempDir dir;
    check_mutations(dir, "a.tar", test::file_content(source_fixture(name)), [](const std::filesystem::path& path) {
      return std::make_unique<TarSource>(path.string(), std::vector<std::filesystem::path>{path},
                                         ExpectedClasses{3, {}});
    });
  }
}

TEST_CASE("a mutated IDX file is refused or read, and never crashes") {
  const test::TempDir dir;
  dir.write("labels-idx1", test::idx_labels(40));
  check_mutations(dir, "images-idx3", test::idx_images(40), opened<IdxSource>);
}

TEST_CASE("a mutated CIFAR file is refused or read, and never crashes") {
  const test::TempDir dir;
  check_mutations(dir, "a.bin", test::cifar_records(3, 1), opened<CifarSource>);
}

TEST_CASE("a mutated table is refused or read, and never crashes") {
  const test::TempDir dir;
  write_png(test::noise(3, 4, 1), dir / "a.png");
  std::string text = "path,label,split,group\n";
  for (int i = 0; i < 10; ++i)
    text += "a.png," + std::to_string(i % 3) + (i % 2 == 0 ? ",\"tr\"\"ain\",g\n" : ",val,\n");
  check_mutations(dir, "a.csv", text, [](const std::filesystem::path& path) {
    return std::make_unique<TableSource>(TableSource::load(path, {}, {}, {}));
  });
}

}  // namespace
}  // namespace tandem
