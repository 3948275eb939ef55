// JPEG by libjpeg-turbo, the same in every build.

#include <cstddef>
#include <cstdio>
// These two need what stands above.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <new>
#include <string_view>

#include "data/image/codec/codec.h"

namespace tandem {
namespace {

/// The library's state. It reports errors through a long jump, over which no object may live that has a destructor:
/// they are all here.
struct Reader {
  jpeg_decompress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  std::jmp_buf failed = {};
  std::span<const std::uint8_t> file;
  std::array<char, JMSG_LENGTH_MAX> message = {};  // of the error, or else of the first warning that tells of damage
  int error = 0;                                   // its number
  std::vector<std::uint8_t> inks;                  // a row of a CMYK file
  std::vector<std::uint8_t> unwanted;              // a row that is read for its errors alone

  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { jpeg_destroy_decompress(&jpeg); }
};

Reader& reader_of(j_common_ptr jpeg) { return *static_cast<Reader*>(jpeg->client_data); }

void on_error(j_common_ptr jpeg) {
  Reader& reader = reader_of(jpeg);
  reader.error = jpeg->err->msg_code;
  jpeg->err->format_message(jpeg, reader.message.data());
  std::longjmp(reader.failed, 1);
}

/// Bytes between the parts of a file are no damage before the pixels begin, nor if they only fill up. Others, after
/// the pixels, are pixels that found no place: the decoder lost its way through noise.
bool is_harmless_filling(const Reader& reader, std::size_t count) {
  const jpeg_source_mgr& source = *reader.jpeg.src;
  if (reader.jpeg.input_scan_number == 0) return true;
  // The library stands at the marker that ended the search.
  const auto end = static_cast<std::size_t>(source.next_input_byte - reader.file.data());
  const auto filling = reader.file.subspan(end - std::min(end, count), std::min(end, count));
  return std::all_of(filling.begin(), filling.end(), [&](std::uint8_t byte) { return byte == filling[0]; });
}

bool is_damage(const Reader& reader) {
  switch (reader.errors.msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_TOO_MUCH_DATA:
      return false;  // odd, but the pixels are all there
    case JWRN_EXTRANEOUS_DATA:
      return !is_harmless_filling(reader, static_cast<std::size_t>(reader.errors.msg_parm.i[0]));
    default:
      return true;
  }
}

void on_message(j_common_ptr jpeg, int level) {
  Reader& reader = reader_of(jpeg);
  if (level >= 0 || reader.message[0] != '\0' || !is_damage(reader)) return;
  jpeg->err->format_message(jpeg, reader.message.data());
}

/// False after an error, as are the next two.
bool start(Reader& reader, int eighths) {
  reader.jpeg.err = jpeg_std_error(&reader.errors);
  reader.jpeg.client_data = &reader;
  reader.errors.error_exit = on_error;
  reader.errors.emit_message = on_message;
  if (setjmp(reader.failed) != 0) return false;
  jpeg_create_decompress(&reader.jpeg);
  jpeg_mem_src(&reader.jpeg, reader.file.data(), reader.file.size());
  jpeg_read_header(&reader.jpeg, TRUE);
  const bool inks = reader.jpeg.jpeg_color_space == JCS_CMYK || reader.jpeg.jpeg_color_space == JCS_YCCK;
  reader.jpeg.out_color_space = inks ? JCS_CMYK : JCS_RGB;
  reader.jpeg.scale_num = static_cast<unsigned>(eighths);
  reader.jpeg.scale_denom = DCTSIZE;
  jpeg_start_decompress(&reader.jpeg);
  return true;
}

/// CMYK to RGB, as Pillow does it. Adobe's files hold the inks inverted.
void mix_inks(const std::uint8_t* cmyk, bool inverted, int width, std::uint8_t* rgb) {
  const auto product = [](unsigned a, unsigned b) {
    const unsigned sum = a * b + 128;
    return ((sum >> 8) + sum) >> 8;
  };
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const unsigned light = inverted ? cmyk[3] : 255 - cmyk[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned ink = inverted ? 255 - cmyk[c] : cmyk[c];
      rgb[c] = static_cast<std::uint8_t>(light - product(ink, light));
    }
  }
}

/// Restricts what is decoded to columns that hold left .. left + width - 1; sets `left` to the first. A margin keeps
/// the pixels what they are in the whole picture: at the edges of what is decoded colours are interpolated differently.
bool choose_columns(Reader& reader, int& left, int width) {
  constexpr int kMargin = 4;
  const auto whole = static_cast<int>(reader.jpeg.output_width);
  const int begin = std::max(0, left - kMargin), end = std::min(whole, left + width + kMargin);
  left = 0;
  if (begin == 0 && end == whole) return true;
  auto from = static_cast<JDIMENSION>(begin), count = static_cast<JDIMENSION>(end - begin);
  if (setjmp(reader.failed) != 0) return false;
  jpeg_crop_scanline(&reader.jpeg, &from, &count);
  left = static_cast<int>(from);
  return true;
}

/// Reads the image's rows, of which the first is `top`.
bool read_rows(Reader& reader, int top, Image& image) {
  if (setjmp(reader.failed) != 0) return false;
  if (top > 0) jpeg_skip_scanlines(&reader.jpeg, static_cast<JDIMENSION>(top));
  for (int y = 0; y < image.height; ++y) {
    JSAMPROW target = reader.inks.empty() ? image.row(y) : reader.inks.data();
    jpeg_read_scanlines(&reader.jpeg, &target, 1);
    if (!reader.inks.empty()) mix_inks(target, reader.jpeg.saw_Adobe_marker != 0, image.width, image.row(y));
  }
  return true;
}

/// Reads what is below the last row that is wanted. To skip up to the very end would skip its data unread.
bool read_the_rest(Reader& reader) {
  const JDIMENSION rest = reader.jpeg.output_height - reader.jpeg.output_scanline;
  if (rest == 0) return true;
  reader.unwanted.resize(std::size_t{reader.jpeg.output_width} * 4);
  if (setjmp(reader.failed) != 0) return false;
  if (rest > 1) jpeg_skip_scanlines(&reader.jpeg, rest - 1);
  JSAMPROW target = reader.unwanted.data();
  while (reader.jpeg.output_scanline < reader.jpeg.output_height) jpeg_read_scanlines(&reader.jpeg, &target, 1);
  return true;
}

/// Whether a file whose pixels come in several scans, each adding to those before, lacks some. The library takes what
/// is not there for zero.
bool lacks_scans(const jpeg_decompress_struct& jpeg) {
  for (int c = 0; c < jpeg.num_components; ++c) {
    if (jpeg.comp_info[c].quant_table == nullptr) return true;  // it is latched by a component's first scan
    // How many bits each coefficient of a progressive file lacks.
    if (jpeg.progressive_mode != 0 && jpeg.coef_bits != nullptr &&
        std::any_of(jpeg.coef_bits[c], jpeg.coef_bits[c] + DCTSIZE2, [](int bits) { return bits != 0; }))
      return true;
  }
  return false;
}

/// Reads on to the end of the file: what is left over is looked at, too.
bool finish(Reader& reader) {
  constexpr std::string_view kLacksScans = "its last scans are missing";
  if (lacks_scans(reader.jpeg) && reader.message[0] == '\0')
    std::copy(kLacksScans.begin(), kLacksScans.end(), reader.message.begin());
  if (setjmp(reader.failed) != 0) return false;
  jpeg_finish_decompress(&reader.jpeg);
  return true;
}

bool is_of_an_unread_kind(int error) {
  constexpr std::array kUnread = {JERR_ARITH_NOTIMPL,      JERR_BAD_PRECISION,        JERR_CCIR601_NOTIMPL,
                                  JERR_CONVERSION_NOTIMPL, JERR_FRACT_SAMPLE_NOTIMPL, JERR_IMAGE_TOO_BIG,
                                  JERR_NOT_COMPILED,       JERR_SOF_UNSUPPORTED,      JERR_COMPONENT_COUNT};
  return std::find(kUnread.begin(), kUnread.end(), error) != kUnread.end();
}

}  // namespace

Decoded decode_jpeg(std::span<const std::uint8_t> file, const ImageHeader& header, const Box& needed, int eighths) {
  constexpr std::string_view kCorrupt = "Corrupt JPEG data: ";  // what most of the library's messages begin with
  Reader reader;
  reader.file = file;
  Decoded result;
  result.top = needed.top;
  result.left = needed.left;
  bool read = start(reader, eighths);
  const bool as_told = reader.jpeg.image_width == header.width && reader.jpeg.image_height == header.height;
  if (read && as_told && choose_columns(reader, result.left, needed.width)) {
    const std::size_t row = reader.jpeg.output_width;
    result.image.height = needed.height;
    result.image.width = static_cast<int>(row);
    result.image.pixels.resize(row * static_cast<std::size_t>(needed.height) * 3);
    if (reader.jpeg.out_color_space == JCS_CMYK) reader.inks.resize(row * 4);
    read = read_rows(reader, needed.top, result.image) && read_the_rest(reader) && finish(reader);
  }
  if (reader.error == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
  result.flaw = reader.message.data();
  if (result.flaw.rfind(kCorrupt, 0) == 0) result.flaw.erase(0, kCorrupt.size());
  result.damaged = !is_of_an_unread_kind(reader.error);
  if (result.flaw.empty() && !as_told) result.flaw = "it has two sizes";
  return result;
}

}  // namespace tandem
