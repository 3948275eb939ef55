// What decoding takes of memory, and what happens where there is not enough.

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <string>

#include "core/base/error.h"
#include "tests/data/image/exif_block.h"
#include "tests/data/image/jpeg_file.h"
#include "tests/data/image/pictures.h"
#include "tests/data/image/png_file.h"
#include "tests/support/catch.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using test::jpeg_content;

constexpr int kSide = 4000;
constexpr std::size_t kPicture = std::size_t{kSide} * kSide * 3;
constexpr std::size_t kMiB = std::size_t{1} << 20;

Image flat() {
  Image image{kSide, kSide, std::vector<std::uint8_t>(kPicture)};
  for (std::size_t i = 0; i < kPicture; ++i) image.pixels[i] = static_cast<std::uint8_t>(i % 3 * 90);
  return image;
}

/// Large pictures in small files, all to be turned by a quarter.
struct Files {
  test::TempDir dir;
  std::vector<std::string> paths;

  Files() {
    const Image image = flat();
    const std::string exif = test::exif_segment(test::tiff_block(6));
    paths.push_back(dir.write("base.jpg", test::with_segments(jpeg_content(image), exif)).string());
    const std::string progressive = jpeg_content(image, {3, true, 0, 90});
    paths.push_back(dir.write("progressive.jpg", test::with_segments(progressive, exif)).string());
    write_png(image, dir / "plain.png");
    std::string png = test::file_content(dir / "plain.png");
    png.insert(png.size() - 12, test::png_chunk("eXIf", test::tiff_block(6)));
    paths.push_back(dir.write("turned.png", png).string());
#ifdef TANDEM_OPENCV
    const std::string webp = test::file_content(test::picture("flat4000.webp"));
    const std::string turned = test::webp_with_exif(webp, kSide, kSide, false, test::tiff_block(6));
    paths.push_back(dir.write("turned.webp", turned).string());
#endif
  }
};

/// What body() returns in a process of its own, whose memory is as this one's was.
std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::malloc_trim(0);  // what is free, but kept, would not be asked for again
    const std::string answer = body();
    const bool written = ::write(ends[1], answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string answer(4096, '\0');
  answer.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(ends[0], answer.data(), answer.size()))));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? answer : "ended with status " + std::to_string(status);
}

/// The second number in /proc/self/statm is resident, the first mapped memory, in pages.
std::size_t memory_of(int number) {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  for (int i = 0; i <= number; ++i) statm >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_CASE("while a picture is decoded and turned, there is no second one in memory", "[.little-memory]") {
  if (test::kAddressSanitizer) TANDEM_SKIP("AddressSanitizer keeps what was freed");
  const Files files;
  for (const std::string& path : files.paths) {
    const std::string answer = in_child([&] {
      const std::size_t before = memory_of(1);
      const Image image = read_image(path);
      rusage usage{};
      ::getrusage(RUSAGE_SELF, &usage);
      const std::size_t peak = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
      return std::to_string(peak > before ? (peak - before) / kMiB : 0);
    });
    INFO(path << ": " << answer << " MiB more, a picture has " << kPicture / kMiB);
    // A progressive JPEG and a lossless WebP are gathered whole by their libraries before the first row comes out.
    const bool whole = test::contains(path, "progressive") || test::contains(path, "webp");
    CHECK(std::stoul(answer) * kMiB < kPicture * (whole ? 5 : 3) / 2);
    CHECK(std::stoul(answer) * kMiB >= kPicture / 2);
  }
}

// Hidden, as what the libraries take and do then is not ours: scripts/evidence/little-memory.sh runs it.
TEST_CASE("an image for which there is no memory is named, and not called damaged", "[.little-memory]") {
  if (test::kAddressSanitizer) TANDEM_SKIP("AddressSanitizer maps more than any limit");
  const Files files;
  for (const std::string& path : files.paths)
    for (const std::size_t room : {std::size_t{8} * kMiB, kPicture + 8 * kMiB}) {
      const std::string answer = in_child([&] {
        const std::size_t limit = memory_of(0) + room;
        const rlimit limits{limit, limit};
        ::setrlimit(RLIMIT_AS, &limits);
        try {
          read_image(path);
        } catch (const InputError& e) {
          return std::string("input error: ") + e.what();
        } catch (const Error& e) {
          return std::string(e.what());
        }
        return std::string("decoded");
      });
      INFO(path << ", " << room / kMiB << " MiB: " << answer);
      const std::string expected = path + ": not enough memory to decode 4000x4000 pixels";
      if (room > kPicture && test::contains(path, "webp"))
        // How much more it takes is the library's affair, and it does not always say that memory was short.
        CHECK((answer == "decoded" || answer == expected || test::contains(answer, "cannot be decoded")));
      else
        CHECK(answer == (room > kPicture && !test::contains(path, "progressive") ? "decoded" : expected));
    }
}

TEST_CASE("the limit of pixels is looked at before memory is asked for") {
  test::PngFile png{1, 1, 2, 8, false, {}, {}, {}, {}, {}};
  png.samples = {1, 2, 3};
  std::string content = png_content(png);
  const std::string sides = test::bytes_of(13378, 4, true);  // 13378 x 13377 = 178957506
  content.replace(16, 8, sides + test::bytes_of(13377, 4, true));
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
  CHECK(
      test::message_of<InputError>([&] { decode_image(bytes, "x"); }) ==
      "x: image is 13378x13377 pixels: expected at most 178956970 in all (data.max_pixels of a config, --max-pixels)");
  const std::string small = test::file_content(test::picture("rgb.png"));  // 6 x 4
  const std::span few(reinterpret_cast<const std::uint8_t*>(small.data()), small.size());
  CHECK(
      test::contains(test::message_of<InputError>([&] { decode_image(few, "x", 23); }), "expected at most 23 in all"));
  CHECK(decode_image(few, "x", 24).width == 6);
}

}  // namespace
}  // namespace tandem
