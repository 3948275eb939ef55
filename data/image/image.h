#pragma once
// Images: reading JPEG, PNG, BMP and WebP files (WebP only in a build with OpenCV), writing PNG.
//
// What a file is, is decided by its content; its extension does not matter. Grey, palette, 16-bit and alpha images
// become 8-bit RGB; of 16 bits the upper 8 are kept. What a PNG or WebP file has as transparent is laid on white; a BMP
// file's alpha, which many programs leave unset, is ignored. Colour profiles are ignored. A photo whose EXIF data,
// or else XMP data, has an orientation is turned upright; data that cannot be read means upright. While a file is
// decoded there is one picture in memory, beside what the library works with (for BMP without OpenCV, two).

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

/// The most pixels that an image may have where nothing else is said: Pillow's limit.
constexpr std::int64_t kDefaultMaxPixels = 178956970;

/// Decodes a file's content. `name` is what an error calls the image. Throws InputError if the content is empty, not an
/// image of the formats above, cut short, damaged, smaller than 2x2 pixels or larger than `max_pixels`, which is
/// looked at before memory is asked for. Damage is also what a library only warns of: JPEG data that is noisy, or of
/// which a part is missing. Error if there is not enough memory.
Image decode_image(std::span<const std::uint8_t> content, const std::string& name,
                   std::int64_t max_pixels = kDefaultMaxPixels);

/// The bytes of an image file, whatever they are. `name` as above. InputError if there is no such file, it cannot be
/// read or is larger than 1 GiB; Error if there is not enough memory.
std::vector<std::uint8_t> read_image_file(const std::filesystem::path& path, const std::string& name);

/// Reads an image file; InputError also if there is none. `origin` says who named the file ("train.txt:12") and may be
/// empty; errors begin with it.
Image read_image(const std::filesystem::path& path, const std::string& origin = {},
                 std::int64_t max_pixels = kDefaultMaxPixels);

/// Writes a PNG file, overwriting. Throws Error if that fails; no half-written file is left then.
void write_png(const Image& image, const std::filesystem::path& path);

}  // namespace tandem
