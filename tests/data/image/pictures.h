#pragma once
// Small pictures for the tests of the data folder.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/base/rng.h"
#include "data/image/image.h"
#include "tests/support/errors.h"

namespace tandem::test {

/// Every pixel different; images/rgb.* and the figures from Pillow are made of this.
inline Image patterned(int height, int width) {
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixels.push_back(static_cast<std::uint8_t>((y * 37 + x * 59 + c * 101 + y * x * 13) % 256));
  return image;
}

/// Gradients; images/smooth.jpg and its variants are made of smooth(12, 16).
inline Image smooth(int height, int width) {
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int value : {x * 255 / (width - 1), y * 255 / (height - 1), 128})
        image.pixels.push_back(static_cast<std::uint8_t>(value));
  return image;
}

inline Image noise(int height, int width, std::uint32_t index) {
  Random random(1, RandomPurpose::test, 0, 0, index);
  Image image{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width) * 3)};
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(random.bits() >> 24);
  return image;
}

inline std::filesystem::path picture(const std::string& name) {
  return std::filesystem::path(TANDEM_TEST_DATA) / "data/images" / name;
}

inline std::string file_content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The largest difference of two pictures' values; 256 if their sizes differ.
inline int largest_difference(const Image& a, const Image& b) {
  if (a.height != b.height || a.width != b.width || a.pixels.size() != b.pixels.size()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

/// The message of the Expected that `call` throws; "" if it throws nothing or something else.
template <class Expected, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Expected& e) {
    return e.what();
  } catch (...) {
  }
  return {};
}

}  // namespace tandem::test
