// BMP by stb_image, and no WebP.

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#include <stb/stb_image.h>

#include <memory>
#include <new>
#include <string>

#include "data/image/codec/codec.h"

namespace tandem {

const char* codec_formats() { return "JPEG, PNG or BMP"; }

Decoded decode_other(std::span<const std::uint8_t> file, const ImageHeader& header) {
  constexpr int kChannels = 3;
  if (header.format != ImageFormat::bmp) return {{}, "this build has no OpenCV", false};
  int width = 0;
  int height = 0;
  int channels = 0;
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(file.data(), static_cast<int>(file.size()), &width, &height, &channels, kChannels),
      &stbi_image_free);
  if (pixels == nullptr) {
    const std::string reason = stbi_failure_reason();
    if (reason == "outofmem") throw std::bad_alloc();
    return {{}, reason, reason == "bad BMP"};
  }
  const std::size_t bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * kChannels;
  return {{height, width, std::vector<std::uint8_t>(pixels.get(), pixels.get() + bytes)}, {}};
}

}  // namespace tandem
