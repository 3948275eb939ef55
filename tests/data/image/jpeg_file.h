#pragma once
// JPEG files of several kinds, written by libjpeg.

#include <cstddef>
#include <cstdio>
#include <cstdlib>
// These need what stands above.
#include <jpeglib.h>

#include <string>

#include "data/image/image.h"

namespace tandem::test {

struct JpegKind {
  int channels = 3;  // 1: grey (of the red values), 3: YCbCr, 4: CMYK (the colours inverted, no black)
  bool progressive = false;
  int restart_interval = 0;  // blocks
  int quality = 90;
  int across = 2;  // of YCbCr: pixels that share a value of colour, side by side
  int down = 2;    // and one below the other
};

inline std::string jpeg_content(const Image& image, const JpegKind& kind = {}) {
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.input_components = kind.channels;
  jpeg.in_color_space = kind.channels == 1 ? JCS_GRAYSCALE : kind.channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, kind.quality, TRUE);
  if (kind.channels == 3) {
    jpeg.comp_info[0].h_samp_factor = kind.across;
    jpeg.comp_info[0].v_samp_factor = kind.down;
  }
  if (kind.progressive) jpeg_simple_progression(&jpeg);
  jpeg.restart_interval = static_cast<unsigned>(kind.restart_interval);
  jpeg_start_compress(&jpeg, TRUE);
  std::string row;
  for (int y = 0; y < image.height; ++y) {
    row.clear();
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < kind.channels; ++c) row += static_cast<char>(c == 3 ? 255 : image.row(y)[x * 3 + c]);
    auto* pointer = reinterpret_cast<JSAMPROW>(row.data());
    jpeg_write_scanlines(&jpeg, &pointer, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string content(reinterpret_cast<char*>(memory), size);
  std::free(memory);
  return content;
}

}  // namespace tandem::test
