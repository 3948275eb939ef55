#pragma once
// Resizing 8-bit RGB pixels. Arithmetic is Pillow's, and the same bits come out whatever instructions the processor
// has.
//
// Each output pixel is the average of the source under a filter, whose half width is its reach times max(1, scale)
// source pixels, or the reach without antialiasing. The filter is cut at the edges of the source and renormalised; its
// weights are integers of 22 bits. The upright picture's rows are averaged first, then its columns, rounding to 8 bits
// each time.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/image/image.h"
#include "data/image/input_geometry.h"

namespace tandem {

/// A rectangle of pixels.
struct Box {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;

  bool operator==(const Box&) const = default;
};

/// What is resized to what: the part `source` of the upright picture to height x width pixels, of which the part
/// `window` is wanted, mirrored from left to right if `flip`.
struct Resizing {
  Box source;
  int height = 0;
  int width = 0;
  Box window;
  bool flip = false;
  Resampling resampling = {};
};

/// How a picture's pixels are stored: not turned upright yet, and perhaps reduced.
struct StoredForm {
  int height = 0;  ///< of the whole picture as it is stored, not reduced
  int width = 0;
  int orientation = 1;  ///< EXIF's, 1 to 8
  int eighths = 8;  ///< A reduced picture has ceil(side * eighths / 8) pixels a side; its pixels are 8 / eighths wide.
};

/// One axis of an output: for each of its coordinates the first pixel of the stored axis, and the weights from there
/// on.
struct ResizeAxis {
  int origin = 0;                     ///< the first pixel of the stored, reduced axis that is used
  int extent = 0;                     ///< how many are, from there on
  int taps = 0;                       ///< weights that a coordinate has room for
  std::vector<int> first;             ///< (count), from the origin
  std::vector<int> used;              ///< (count), at most `taps`; the other weights are 0
  std::vector<std::int32_t> weights;  ///< (count, taps), times 2^22

  std::size_t size() const { return first.size(); }
};

/// A resize made ready: it says which stored pixels it needs before they are there.
class Resizer {
 public:
  /// Throws Error if the source lies outside the picture, or the window outside the result.
  Resizer(const Resizing& what, const StoredForm& storage);

  /// The part of the stored, reduced picture that run() looks at.
  Box needed() const;
  /// Resizes. `part` holds at least needed(); its first pixel is (top, left) of the stored, reduced picture. Writes the
  /// window's pixels, upright, to rows of `out` that lie `stride` bytes apart.
  void run(const Image& part, int top, int left, std::uint8_t* out, std::size_t stride) const;

 private:
  // `first` is the part's first pixel that is needed.
  void run_straight(const Image& part, const std::uint8_t* first, std::uint8_t* out, std::size_t stride) const;
  void run_turned(const Image& part, const std::uint8_t* first, std::uint8_t* out, std::size_t stride) const;

  bool turned_;                // the stored picture's rows are the upright one's columns
  ResizeAxis rows_, columns_;  // of the upright output
};

/// Resizes a part of an upright image. `out` is (window.height, window.width, 3).
void resize_image(const Image& image, const Box& source, int height, int width, const Box& window, bool flip,
                  const Resampling& resampling, std::span<std::uint8_t> out);

}  // namespace tandem
