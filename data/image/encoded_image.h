#pragma once
// An image of which so far only the header has been looked at, so that the caller can say which pixels are wanted
// before any is decoded.

#include <cstdint>
#include <span>
#include <string>

#include "data/image/image.h"
#include "data/image/image_header.h"
#include "data/image/resize.h"

namespace tandem {

/// Decoded pixels as they are stored, not turned upright.
struct StoredPart {
  Image pixels;
  int top = 0;  ///< the first pixel's place in the stored, reduced picture
  int left = 0;
};

class EncodedImage {
 public:
  /// Of a file's content, which must stay while the object is used. Throws InputError as decode_image() does for what
  /// the header tells.
  EncodedImage(std::span<const std::uint8_t> content, std::string name, std::int64_t max_pixels = kDefaultMaxPixels);

  /// Pixels of the upright picture.
  int height() const;
  int width() const;
  /// Whether it can be decoded at 1/8, 1/4 or 1/2 of its size: a JPEG file.
  bool reducible() const { return header_.format == ImageFormat::jpeg; }
  /// How the pixels of the picture, reduced to that many eighths, are stored.
  StoredForm storage(int eighths = 8) const;

  /// Decodes at least the pixels `needed` of the stored picture; eighths, 1, 2, 4 or 8, is 8 unless it is reducible.
  ///
  /// Of a JPEG file no other pixels are computed, and those that are needed are the same as in the whole picture. Its
  /// compressed data is read to the end all the same, so that a file which is cut short or damaged anywhere is noticed
  /// as by decode_image(), and throws the same InputError. Other files are decoded whole.
  StoredPart decode(const Box& needed, int eighths = 8) const;

 private:
  std::span<const std::uint8_t> content_;
  std::string name_;
  ImageHeader header_;
};

}  // namespace tandem
