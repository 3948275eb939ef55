#include "data/image/encoded_image.h"

#include <new>
#include <utility>

#include "core/base/error.h"
#include "data/image/codec/codec.h"
#include "data/image/header/other_formats.h"

namespace tandem {
namespace {

constexpr std::int64_t kMinSide = 2;
constexpr std::int64_t kMaxSide = 65535;

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

EncodedImage::EncodedImage(std::span<const std::uint8_t> content, std::string name, std::int64_t max_pixels)
    : content_(content), name_(std::move(name)) {
  if (content.empty()) fail_input("{}: image file is empty (zero bytes)", name_);
  if (content.size() > kMaxImageFileBytes)
    fail_input("{}: image file of {} bytes: expected at most {}", name_, content.size(), kMaxImageFileBytes);
  if (const char* other = unread_format(content))
    fail_input("{}: {}, which is not supported: expected {}", name_, other, codec_formats());
  header_ = read_image_header(content);
  check_header(header_, name_, max_pixels);
}

int EncodedImage::height() const { return static_cast<int>(header_.orientation >= 5 ? header_.width : header_.height); }

int EncodedImage::width() const { return static_cast<int>(header_.orientation >= 5 ? header_.height : header_.width); }

StoredForm EncodedImage::storage(int eighths) const {
  return {static_cast<int>(header_.height), static_cast<int>(header_.width), header_.orientation, eighths};
}

StoredPart EncodedImage::decode(const Box& needed, int eighths) const {
  try {
    Decoded decoded = reducible() ? decode_jpeg(content_, header_, needed, eighths) : codec_decode(content_, header_);
    if (!decoded.flaw.empty())
      fail_input("{}: {} file {}: {}", name_, format_name(header_.format),
                 decoded.damaged ? "is damaged" : "of a kind that is not supported", decoded.flaw);
    return {std::move(decoded.image), decoded.top, decoded.left};
  } catch (const std::bad_alloc&) {
    fail("{}: not enough memory to decode {}x{} pixels", name_, header_.width, header_.height);
  }
}

}  // namespace tandem
