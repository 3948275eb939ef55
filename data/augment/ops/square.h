#pragma once
// What the ops of data/augment/ops/ work on. Each op changes its picture in place and depends on its arguments alone;
// its formula is torchvision's for a tensor of 8 bits (torchvision.transforms.v2.functional).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tandem::augment {

/// A square RGB picture: pixels (size, size, 3), of size >= 1. The pixels belong to somebody else.
struct Square {
  std::span<std::uint8_t> pixels;
  int size = 0;

  std::size_t row_bytes() const { return static_cast<std::size_t>(size) * 3; }
  std::uint8_t* row(int y) const { return pixels.data() + static_cast<std::size_t>(y) * row_bytes(); }
};

/// A rectangle of pixels within the picture.
struct Part {
  int top = 0, left = 0, height = 0, width = 0;
};

/// Memory that the ops of one picture share, so that it is asked for once. What it holds is of no meaning.
struct Scratch {
  std::vector<std::uint8_t> bytes;
  std::vector<float> floats;
};

}  // namespace tandem::augment
