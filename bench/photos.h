#pragma once
// Photos as people upload them, made for the benchmark of the loader.

#include <filesystem>
#include <span>

namespace tandem {

/// Photos of one size.
struct PhotoKind {
  const char* name;  ///< of their folder
  int height, width;
  int files;
  int timed;  ///< images whose loading is timed
};

/// 12 megapixels, 2 megapixels, and 400 pixels.
std::span<const PhotoKind> photo_kinds();

/// Draws the photos that are not there yet: FOLDER/NAME/CLASS/0.jpg ..., of two classes. They are scenes of the
/// synthetic data set, enlarged, with the noise of a camera: JPEG of quality 90 with about 2 bits a pixel, which is
/// what phones write. InputError for a folder that cannot be made, Error if writing fails.
void make_photos(const std::filesystem::path& folder);

}  // namespace tandem
