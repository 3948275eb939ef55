#include "data/image/image.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "core/base/error.h"
#include "data/image/codec.h"
#include "data/image/image_header.h"
#include "data/list/files.h"

namespace tandem {
namespace {

constexpr std::int64_t kMinSide = 2;
constexpr std::int64_t kMaxSide = 65535;
constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 30;

void check_header(const ImageHeader& header, const std::string& name) {
  if (header.format == ImageFormat::unknown) fail_input("{}: not an image: expected {}", name, codec_formats());
  if (!header.complete) fail_input("{}: truncated {} file", name, format_name(header.format));
  if (header.width < kMinSide || header.height < kMinSide)
    fail_input("{}: image is {}x{} pixels: expected at least {}x{}", name, header.width, header.height, kMinSide,
               kMinSide);
  if (header.width > kMaxSide || header.height > kMaxSide || header.width * header.height > kMaxPixels)
    fail_input("{}: image is {}x{} pixels: expected at most {} a side and {} in all", name, header.width, header.height,
               kMaxSide, kMaxPixels);
}

std::vector<std::uint8_t> read_file(const std::filesystem::path& path, const std::string& name) {
  const std::filesystem::file_type type = file_type_of(path, name);
  if (type == std::filesystem::file_type::not_found) fail_input("{}: no such image file", name);
  if (type != std::filesystem::file_type::regular) fail_input("{}: not a file: expected an image", name);
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) fail_input("{}: cannot read the image file: {}", name, std::strerror(errno));
  if (size > kMaxFileBytes) fail_input("{}: image file of {} bytes: expected at most {}", name, size, kMaxFileBytes);
  std::vector<std::uint8_t> content(static_cast<std::size_t>(size));
  if (!file.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(size)))
    fail_input("{}: cannot read the image file: {}", name, std::strerror(errno));
  return content;
}

}  // namespace

Image decode_image(std::span<const std::uint8_t> content, const std::string& name) {
  if (content.empty()) fail_input("{}: image file is empty (zero bytes)", name);
  if (content.size() > kMaxFileBytes)
    fail_input("{}: image file of {} bytes: expected at most {}", name, content.size(), kMaxFileBytes);
  const ImageHeader header = read_image_header(content);
  check_header(header, name);
  Image image = codec_decode(content, header.alpha);
  if (image.pixels.empty())
    fail_input("{}: {} file is damaged or of an unsupported kind: expected {}", name, format_name(header.format),
               codec_formats());
  return image;
}

Image read_image(const std::filesystem::path& path, const std::string& origin) {
  const std::string name = origin.empty() ? path.string() : origin + ": " + path.string();
  return decode_image(read_file(path, name), name);
}

Image on_white(int height, int width, const std::uint8_t* rgba) {
  constexpr unsigned kOpaque = 255, kWhite = 255;
  const std::size_t pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  Image image{height, width, std::vector<std::uint8_t>(pixels * 3)};
  for (std::size_t i = 0; i < pixels; ++i) {
    const unsigned alpha = rgba[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned sum = rgba[4 * i + c] * alpha + kWhite * (kOpaque - alpha);
      image.pixels[3 * i + c] = static_cast<std::uint8_t>((sum + kOpaque / 2) / kOpaque);
    }
  }
  return image;
}

void write_png(const Image& image, const std::filesystem::path& path) {
  const std::vector<std::uint8_t> content = codec_encode_png(image);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  file.close();
  if (file) return;
  const int error = errno;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  fail("{}: cannot write the image: {}", path.string(), std::strerror(error));
}

}  // namespace tandem
