#pragma once
// Images: reading JPEG, PNG, BMP and WebP files (WebP only in a build with OpenCV), writing PNG.
//
// What a file is, is decided by its content; its extension does not matter. Grey, palette, 16-bit and alpha images
// become 8-bit RGB. What a PNG or WebP file has as transparent is laid on white; a BMP file's alpha, which many
// programs leave unset, is ignored. With OpenCV the EXIF orientation of a photo is applied; stb_image ignores it.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tandem {

/// An RGB image, 8 bits a channel, rows from top to bottom.
struct Image {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;  // (height, width, 3)

  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) * 3; }
  const std::uint8_t* row(int y) const { return const_cast<Image*>(this)->row(y); }
};

/// Decodes a file's content. `name` is what an error calls the image. Throws InputError if the content is empty, not an
/// image, cut short, damaged, smaller than 2x2 pixels or absurdly large.
Image decode_image(std::span<const std::uint8_t> content, const std::string& name);

/// Reads an image file; InputError also if there is none. `origin` says who named the file ("train.txt:12") and may be
/// empty; errors begin with it.
Image read_image(const std::filesystem::path& path, const std::string& origin = {});

/// Writes a PNG file, overwriting. Throws Error if that fails; no half-written file is left then.
void write_png(const Image& image, const std::filesystem::path& path);

}  // namespace tandem
