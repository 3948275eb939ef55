#pragma once
// What a photo looks like, whatever its size, its proportions and how it was compressed: a small grey picture, from
// which hashes are made that find photos which look alike, and a similarity that decides.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "data/image/image.h"

namespace tandem::tools {

/// The whole photo as 48x48 grey pixels (0.299 R + 0.587 G + 0.114 B), each the average of its part of the photo.
struct Fingerprint {
  static constexpr int kSide = 48;
  static constexpr std::size_t kPixels = static_cast<std::size_t>(kSide) * kSide;
  std::array<std::uint8_t, kPixels> grey{};

  /// Whether there is nothing to be seen: the pixels' standard deviation is below 2 of 255. Such photos are all alike.
  bool is_blank() const;
};

Fingerprint fingerprint_of(const Image& image);

/// A part of a picture, in shares of its width and height, mirrored from left to right or not.
struct Window {
  double left = 0, top = 0, right = 1, bottom = 1;
  bool mirrored = false;
};

/// The windows whose hashes are looked up: on each axis the whole, 5 % cut off at both ends, at either end; each also
/// mirrored. The first is the whole picture.
inline constexpr std::size_t kWindows = 32;
Window window(std::size_t number);

/// 64 bits for each of the windows: the signs of the lowest frequencies of the cosine transform of its grey pixels, but
/// the constant one, nearest first. A picture that is resized, compressed or made brighter keeps nearly all; cut by a
/// few per cent beside the window, most.
std::array<std::uint64_t, kWindows> hashes_of(const Fingerprint& picture);

/// How alike two pictures are, once the window has been moved to where they are most alike, and that window.
struct Likeness {
  double whole = 0;   ///< correlation of the grey pixels, -1 to 1
  double detail = 0;  ///< correlation of what is left of them when a blurred copy is subtracted
  Window window = {};
};
/// Compares a part of `a`, around `start`, with the whole of `b`. The window's edges move by up to 4 % of the sides.
Likeness likeness(const Fingerprint& a, const Window& start, const Fingerprint& b);

}  // namespace tandem::tools
