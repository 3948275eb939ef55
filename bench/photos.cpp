#include "bench/photos.h"

#include <algorithm>
#include <array>
#include <string>
#include <system_error>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "data/image/image.h"
#include "data/image/resize.h"
#include "data/synth/products.h"
#include "data/synth/scene.h"

namespace tandem {
namespace {

constexpr auto kKinds = std::to_array<PhotoKind>(
    {{"12mp", 3024, 4032, 12, 96}, {"2mp", 1224, 1632, 24, 480}, {"400px", 300, 400, 64, 2560}});

/// Grain: each value moves by a number of the standard deviation 4.
void add_noise(Image& image, Random& random) {
  for (std::uint8_t& value : image.pixels) {
    const std::uint32_t bits = random.bits();
    const int sum = static_cast<int>((bits & 7) + (bits >> 8 & 7) + (bits >> 16 & 7)) - 10;
    value = static_cast<std::uint8_t>(std::clamp(value + sum, 0, 255));
  }
}

/// A scene is square: it is drawn at half the size, and enlarged to the photo's width.
Image make_photo(const PhotoKind& kind, int number) {
  Random random(1, RandomPurpose::synthesise, 2, static_cast<std::uint32_t>(kind.width),
                static_cast<std::uint32_t>(number));
  const auto& product = synth::products()[static_cast<std::size_t>(number) % synth::products().size()];
  const int side = kind.width / 2;
  const Image scene = synth::paint_scene(product, side, random);
  Image photo{kind.height, kind.width, {}};
  photo.pixels.resize(static_cast<std::size_t>(kind.height) * static_cast<std::size_t>(kind.width) * 3);
  const Box middle{(kind.width - kind.height) / 2, 0, kind.height, kind.width};
  resize_image(scene, {0, 0, side, side}, kind.width, kind.width, middle, false, {Interpolation::bicubic, true},
               photo.pixels);
  add_noise(photo, random);
  return photo;
}

}  // namespace

std::span<const PhotoKind> photo_kinds() { return kKinds; }

void make_photos(const std::filesystem::path& folder) {
  constexpr int kQuality = 90;
  for (const PhotoKind& kind : kKinds)
    for (int i = 0; i < kind.files; ++i) {
      const std::filesystem::path path = folder / kind.name / (i % 2 == 0 ? "a" : "b") / fmt::format("{}.jpg", i);
      std::error_code error;
      if (std::filesystem::exists(path, error)) continue;
      std::filesystem::create_directories(path.parent_path(), error);
      if (error) fail_input("{}: cannot make the folder: {}", path.parent_path().string(), error.message());
      write_jpeg(make_photo(kind, i), kQuality, path);
    }
}

}  // namespace tandem
