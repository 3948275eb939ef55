#include "data/image/image.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <system_error>

#include "core/base/error.h"
#include "data/image/codec/codec.h"
#include "data/image/encoded_image.h"
#include "data/image/orientation.h"
#include "data/list/files.h"

namespace tandem {

std::vector<std::uint8_t> read_image_file(const std::filesystem::path& path, const std::string& name) {
  const std::filesystem::file_type type = file_type_of(path, name);
  if (type == std::filesystem::file_type::not_found) fail_input("{}: no such image file", name);
  if (type != std::filesystem::file_type::regular) fail_input("{}: not a file: expected an image", name);
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) fail_input("{}: cannot read the image file: {}", name, std::strerror(errno));
  if (size > kMaxImageFileBytes)
    fail_input("{}: image file of {} bytes: expected at most {}", name, size, kMaxImageFileBytes);
  std::vector<std::uint8_t> content;
  try {
    content.resize(static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    fail("{}: not enough memory to read an image file of {} bytes", name, size);
  }
  if (!file.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(size)))
    fail_input("{}: cannot read the image file: {}", name, std::strerror(errno));
  return content;
}

Image decode_image(std::span<const std::uint8_t> content, const std::string& name, std::int64_t max_pixels) {
  const EncodedImage encoded(content, name, max_pixels);
  const StoredForm storage = encoded.storage();
  Image image = encoded.decode({0, 0, storage.height, storage.width}).pixels;
  try {
    turn_upright(image, storage.orientation);
  } catch (const std::bad_alloc&) {
    fail("{}: not enough memory to decode {}x{} pixels", name, storage.width, storage.height);
  }
  return image;
}

std::string image_name(const std::filesystem::path& path, const std::string& origin) {
  return origin.empty() ? path.string() : origin + ": " + path.string();
}

Image read_image(const std::filesystem::path& path, const std::string& origin, std::int64_t max_pixels) {
  const std::string name = image_name(path, origin);
  return decode_image(read_image_file(path, name), name, max_pixels);
}

namespace {

void write_image(std::span<const std::uint8_t> content, const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  file.close();
  if (file) return;
  const int error = errno;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  fail("{}: cannot write the image: {}", path.string(), std::strerror(error));
}

}  // namespace

void write_png(const Image& image, const std::filesystem::path& path) { write_image(codec_encode_png(image), path); }

void write_jpeg(const Image& image, int quality, const std::filesystem::path& path) {
  write_image(codec_encode_jpeg(image.pixels, image.height, image.width, quality), path);
}

}  // namespace tandem
