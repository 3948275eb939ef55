#include "data/image/image.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <system_error>

#include "core/base/error.h"
#include "data/image/codec/codec.h"
#include "data/image/header/other_formats.h"
#include "data/image/image_header.h"
#include "data/image/orientation.h"
#include "data/list/files.h"

namespace tandem {
namespace {

constexpr std::int64_t kMinSide = 2;
constexpr std::int64_t kMaxSide = 65535;
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 30;

void check_header(const ImageHeader& header, const std::string& name, std::int64_t max_pixels) {
  if (header.format == ImageFormat::unknown) fail_input("{}: not an image: expected {}", name, codec_formats());
  if (!header.complete) fail_input("{}: truncated {} file", name, format_name(header.format));
  if (header.width < kMinSide || header.height < kMinSide)
    fail_input("{}: image is {}x{} pixels: expected at least {}x{}", name, header.width, header.height, kMinSide,
               kMinSide);
  if (header.width > kMaxSide || header.height > kMaxSide)
    fail_input("{}: image is {}x{} pixels: expected at most {} per side", name, header.width, header.height, kMaxSide);
  if (header.width * header.height > max_pixels)
    fail_input("{}: image is {}x{} pixels: expected at most {} in all (data.max_pixels of a config, --max-pixels)",
               name, header.width, header.height, max_pixels);
}

}  // namespace

std::vector<std::uint8_t> read_image_file(const std::filesystem::path& path, const std::string& name) {
  const std::filesystem::file_type type = file_type_of(path, name);
  if (type == std::filesystem::file_type::not_found) fail_input("{}: no such image file", name);
  if (type != std::filesystem::file_type::regular) fail_input("{}: not a file: expected an image", name);
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) fail_input("{}: cannot read the image file: {}", name, std::strerror(errno));
  if (size > kMaxFileBytes) fail_input("{}: image file of {} bytes: expected at most {}", name, size, kMaxFileBytes);
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
  if (content.empty()) fail_input("{}: image file is empty (zero bytes)", name);
  if (content.size() > kMaxFileBytes)
    fail_input("{}: image file of {} bytes: expected at most {}", name, content.size(), kMaxFileBytes);
  if (const char* other = unread_format(content))
    fail_input("{}: {}, which is not supported: expected {}", name, other, codec_formats());
  const ImageHeader header = read_image_header(content);
  check_header(header, name, max_pixels);
  try {
    Decoded decoded = codec_decode(content, header);
    if (!decoded.flaw.empty())
      fail_input("{}: {} file {}: {}", name, format_name(header.format),
                 decoded.damaged ? "is damaged" : "of a kind that is not supported", decoded.flaw);
    turn_upright(decoded.image, header.orientation);
    return std::move(decoded.image);
  } catch (const std::bad_alloc&) {
    fail("{}: not enough memory to decode {}x{} pixels", name, header.width, header.height);
  }
}

Image read_image(const std::filesystem::path& path, const std::string& origin, std::int64_t max_pixels) {
  const std::string name = origin.empty() ? path.string() : origin + ": " + path.string();
  return decode_image(read_image_file(path, name), name, max_pixels);
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
