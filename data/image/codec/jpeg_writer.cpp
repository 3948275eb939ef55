// JPEG files, written by libjpeg-turbo.

#include <cstddef>
#include <cstdio>
// This needs what stands above.
#include <jpeglib.h>

#include <csetjmp>
#include <cstdlib>

#include "core/base/error.h"
#include "data/image/codec/codec.h"

namespace tandem {
namespace {

/// The library's state; it reports errors through a long jump.
struct Writer {
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  std::jmp_buf failed = {};
  unsigned char* file = nullptr;
  unsigned long size = 0;

  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    jpeg_destroy_compress(&jpeg);
    std::free(file);
  }
};

bool write(Writer& writer, const Image& image, int quality) {
  writer.jpeg.err = jpeg_std_error(&writer.errors);
  writer.jpeg.client_data = &writer;
  writer.errors.error_exit = [](j_common_ptr jpeg) {
    std::longjmp(static_cast<Writer*>(jpeg->client_data)->failed, 1);
  };
  if (setjmp(writer.failed) != 0) return false;
  jpeg_create_compress(&writer.jpeg);
  jpeg_mem_dest(&writer.jpeg, &writer.file, &writer.size);
  writer.jpeg.image_height = static_cast<JDIMENSION>(image.height);
  writer.jpeg.image_width = static_cast<JDIMENSION>(image.width);
  writer.jpeg.input_components = 3;
  writer.jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&writer.jpeg);
  jpeg_set_quality(&writer.jpeg, quality, TRUE);
  jpeg_start_compress(&writer.jpeg, TRUE);
  while (writer.jpeg.next_scanline < writer.jpeg.image_height) {
    // The library only reads it.
    JSAMPROW row = const_cast<std::uint8_t*>(image.row(static_cast<int>(writer.jpeg.next_scanline)));
    jpeg_write_scanlines(&writer.jpeg, &row, 1);
  }
  jpeg_finish_compress(&writer.jpeg);
  return true;
}

}  // namespace

std::vector<std::uint8_t> codec_encode_jpeg(const Image& image, int quality) {
  Writer writer;
  if (!write(writer, image, quality)) fail("cannot encode a JPEG file of {}x{} pixels", image.width, image.height);
  return {writer.file, writer.file + writer.size};
}

}  // namespace tandem
