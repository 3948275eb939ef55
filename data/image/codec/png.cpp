// PNG by libpng, the same in every build.

#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/base/error.h"
#include "data/image/codec/codec.h"

namespace tandem {
namespace {

/// The library's state, for reading or writing. It reports errors through a long jump, over which no object may live
/// that has a destructor: they are all here.
struct State {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf failed = {};
  std::array<char, 128> message = {};
  bool out_of_memory = false;
  std::span<const std::uint8_t> unread;  // what is left of the file
  std::vector<std::uint8_t> written;
};

void on_error(png_structp png, png_const_charp message) {
  State& state = *static_cast<State*>(png_get_error_ptr(png));
  std::strncpy(state.message.data(), message, state.message.size() - 1);
  std::longjmp(state.failed, 1);
}

/// Warnings are about colour profiles, texts and the like.
void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

png_voidp allocate(png_structp png, png_alloc_size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory == nullptr) static_cast<State*>(png_get_mem_ptr(png))->out_of_memory = true;
  return memory;
}

void release(png_structp /*png*/, png_voidp memory) { std::free(memory); }

void read_bytes(png_structp png, png_bytep out, std::size_t bytes) {
  State& state = *static_cast<State*>(png_get_io_ptr(png));
  if (bytes > state.unread.size()) png_error(png, "the file ends too early");
  std::copy_n(state.unread.begin(), bytes, out);
  state.unread = state.unread.subspan(bytes);
}

struct ReadState : State {
  ReadState() {
    png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, this, on_error, on_warning, this, allocate, release);
    info = png == nullptr ? nullptr : png_create_info_struct(png);
    if (info == nullptr) throw std::bad_alloc();
  }
  ReadState(const ReadState&) = delete;
  ReadState& operator=(const ReadState&) = delete;
  ~ReadState() { png_destroy_read_struct(&png, &info, nullptr); }
};

/// Asks for 8-bit RGB, or RGBA if anything is transparent. The one transparent colour of a grey or RGB file is compared
/// at the file's depth; then 16 bits are cut to the upper 8. False after an error, as are the next two.
bool start(State& state) {
  if (setjmp(state.failed) != 0) return false;
  png_set_read_fn(state.png, &state, read_bytes);
  png_read_info(state.png, state.info);
  png_set_expand(state.png);
  png_set_strip_16(state.png);
  png_set_gray_to_rgb(state.png);
  png_set_interlace_handling(state.png);
  png_read_update_info(state.png, state.info);
  return true;
}

bool read_rows(State& state, Image& image, std::size_t row_bytes) {
  if (setjmp(state.failed) != 0) return false;
  const int passes = png_set_interlace_handling(state.png);
  for (int pass = 0; pass < passes; ++pass)
    for (int y = 0; y < image.height; ++y)
      png_read_row(state.png, image.pixels.data() + static_cast<std::size_t>(y) * row_bytes, nullptr);
  png_read_end(state.png, nullptr);
  return true;
}

void write_bytes(png_structp png, png_bytep bytes, std::size_t count) {
  State& state = *static_cast<State*>(png_get_io_ptr(png));
  try {
    state.written.insert(state.written.end(), bytes, bytes + count);
  } catch (const std::bad_alloc&) {
    state.out_of_memory = true;
  }
  if (state.out_of_memory) png_error(png, "out of memory");
}

void flush_bytes(png_structp /*png*/) {}

struct WriteState : State {
  WriteState() {
    png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, this, on_error, on_warning, this, allocate, release);
    info = png == nullptr ? nullptr : png_create_info_struct(png);
    if (info == nullptr) throw std::bad_alloc();
  }
  WriteState(const WriteState&) = delete;
  WriteState& operator=(const WriteState&) = delete;
  ~WriteState() { png_destroy_write_struct(&png, &info); }
};

bool write(State& state, const Image& image) {
  constexpr int kFast = 3;
  if (setjmp(state.failed) != 0) return false;
  png_set_write_fn(state.png, &state, write_bytes, flush_bytes);
  png_set_compression_level(state.png, kFast);
  png_set_IHDR(state.png, state.info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
               PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(state.png, state.info);
  for (int y = 0; y < image.height; ++y) png_write_row(state.png, image.row(y));
  png_write_end(state.png, nullptr);
  return true;
}

}  // namespace

Decoded decode_png(std::span<const std::uint8_t> file, const ImageHeader& header) {
  ReadState state;
  state.unread = file;
  Decoded result;
  bool read = start(state);
  if (read) {
    const std::size_t channels = png_get_channels(state.png, state.info);
    const auto height = static_cast<std::size_t>(header.height), width = static_cast<std::size_t>(header.width);
    require(png_get_rowbytes(state.png, state.info) == width * channels && (channels == 3 || channels == 4),
            "PNG: {} channels in rows of {} bytes", channels, png_get_rowbytes(state.png, state.info));
    result.image = {static_cast<int>(header.height), static_cast<int>(header.width),
                    std::vector<std::uint8_t>(height * width * channels)};
    read = read_rows(state, result.image, width * channels);
    if (read && channels == 4) lay_on_white(result.image);
  }
  if (state.out_of_memory) throw std::bad_alloc();
  if (read) return result;
  result.image = {};
  result.flaw = state.message.data();
  return result;
}

std::vector<std::uint8_t> codec_encode_png(const Image& image) {
  WriteState state;
  if (!write(state, image))
    fail("cannot encode a PNG of {}x{} pixels: {}", image.width, image.height, state.message.data());
  return std::move(state.written);
}

}  // namespace tandem
