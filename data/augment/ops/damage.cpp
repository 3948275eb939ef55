#include "data/augment/ops/damage.h"

#include <cstdio>
// This one needs what stands above.
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>

#include "core/base/error.h"

namespace tandem::augment {
namespace {

/// The library's state. It reports errors through a long jump, over which no object may live that has a destructor.
struct Writer {
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  std::jmp_buf failed = {};
  std::array<char, JMSG_LENGTH_MAX> message = {};
  unsigned char* file = nullptr;  // the library's, to be freed
  unsigned long bytes = 0;

  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    jpeg_destroy_compress(&jpeg);
    std::free(file);
  }
};

void on_error(j_common_ptr jpeg) {
  auto& writer = *static_cast<Writer*>(jpeg->client_data);
  jpeg->err->format_message(jpeg, writer.message.data());
  std::longjmp(writer.failed, 1);
}

/// False after an error.
bool write(Writer& writer, const std::uint8_t* pixels, int height, int width, int quality) {
  writer.jpeg.err = jpeg_std_error(&writer.errors);
  writer.jpeg.client_data = &writer;
  writer.errors.error_exit = on_error;
  if (setjmp(writer.failed) != 0) return false;
  jpeg_create_compress(&writer.jpeg);
  jpeg_mem_dest(&writer.jpeg, &writer.file, &writer.bytes);
  writer.jpeg.image_width = static_cast<JDIMENSION>(width);
  writer.jpeg.image_height = static_cast<JDIMENSION>(height);
  writer.jpeg.input_components = 3;
  writer.jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&writer.jpeg);
  jpeg_set_quality(&writer.jpeg, quality, TRUE);
  jpeg_start_compress(&writer.jpeg, TRUE);
  while (writer.jpeg.next_scanline < writer.jpeg.image_height) {
    // The library only reads the row.
    JSAMPROW row =
        const_cast<JSAMPROW>(pixels) + std::size_t{writer.jpeg.next_scanline} * static_cast<std::size_t>(width) * 3;
    jpeg_write_scanlines(&writer.jpeg, &row, 1);
  }
  jpeg_finish_compress(&writer.jpeg);
  return true;
}

}  // namespace

void erase(const Square& image, const Part& part, const std::optional<Fill>& value, Random noise) {
  for (int y = part.top; y < part.top + part.height; ++y) {
    std::uint8_t* pixel = image.row(y) + static_cast<std::ptrdiff_t>(part.left) * 3;
    for (int x = 0; x < part.width; ++x, pixel += 3)
      for (std::size_t c = 0; c < 3; ++c)
        pixel[c] = static_cast<std::uint8_t>(value ? static_cast<std::uint32_t>((*value)[c]) : noise.bits() >> 24);
  }
}

void degrade_jpeg(const Square& image, int quality) {
  const std::vector<std::uint8_t> file = encode_jpeg(image.pixels, image.size, image.size, quality);
  const Image decoded = decode_image(file, "JPEG artefacts");
  std::copy(decoded.pixels.begin(), decoded.pixels.end(), image.pixels.begin());
}

std::vector<std::uint8_t> encode_jpeg(std::span<const std::uint8_t> pixels, int height, int width, int quality) {
  require(height > 0 && width > 0 &&
              pixels.size() == static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3,
          "JPEG: {} bytes for {}x{} pixels", pixels.size(), width, height);
  Writer writer;
  if (!write(writer, pixels.data(), height, width, quality))
    fail("cannot encode a JPEG image: {}", writer.message.data());
  return {writer.file, writer.file + writer.bytes};
}

}  // namespace tandem::augment
