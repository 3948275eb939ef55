// JPEG files, written by libjpeg-turbo.

#include <cstddef>
#include <cstdio>
// This needs what stands above.
#include <jpeglib.h>

#include <array>
#include <csetjmp>
#include <cstdlib>

#include "core/base/error.h"
#include "data/image/codec/codec.h"

namespace tandem {
namespace {

/// The library's state. It reports errors through a long jump, over which no object may live that has a destructor.
struct Writer {
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  std::jmp_buf failed = {};
  std::array<char, JMSG_LENGTH_MAX> message = {};
  unsigned char* file = nullptr;  // the library's, to be freed
  unsigned long size = 0;

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
  jpeg_mem_dest(&writer.jpeg, &writer.file, &writer.size);
  writer.jpeg.image_height = static_cast<JDIMENSION>(height);
  writer.jpeg.image_width = static_cast<JDIMENSION>(width);
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

std::vector<std::uint8_t> codec_encode_jpeg(std::span<const std::uint8_t> pixels, int height, int width, int quality) {
  require(height > 0 && width > 0 &&
              pixels.size() == static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3,
          "JPEG: {} bytes for {}x{} pixels", pixels.size(), width, height);
  Writer writer;
  if (!write(writer, pixels.data(), height, width, quality))
    fail("cannot encode a JPEG file of {}x{} pixels: {}", width, height, writer.message.data());
  return {writer.file, writer.file + writer.size};
}

}  // namespace tandem
