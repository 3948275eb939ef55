#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#include <stb/stb_image.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

#include <memory>

#include "core/base/error.h"
#include "data/image/codec.h"

namespace tandem {

const char* codec_formats() { return "JPEG, PNG or BMP"; }

Image codec_decode(std::span<const std::uint8_t> file, bool alpha) {
  int width = 0;
  int height = 0;
  int channels = 0;
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(file.data(), static_cast<int>(file.size()), &width, &height, &channels, alpha ? 4 : 3),
      &stbi_image_free);
  if (pixels == nullptr) return {};
  if (alpha) return on_white(height, width, pixels.get());
  const std::size_t bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  return {height, width, std::vector<std::uint8_t>(pixels.get(), pixels.get() + bytes)};
}

std::vector<std::uint8_t> codec_encode_png(const Image& image) {
  std::vector<std::uint8_t> file;
  const auto append = [](void* context, void* data, int size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    auto* out = static_cast<std::vector<std::uint8_t>*>(context);
    out->insert(out->end(), bytes, bytes + size);
  };
  if (stbi_write_png_to_func(append, &file, image.width, image.height, 3, image.pixels.data(), image.width * 3) == 0)
    fail("cannot encode a PNG of {}x{} pixels", image.width, image.height);
  return file;
}

}  // namespace tandem
