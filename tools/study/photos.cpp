#include "tools/study/photos.h"

#include "core/base/error.h"
#include "core/base/thread_pool.h"
#include "data/image/header/exif.h"
#include "tools/study/counting.h"

namespace tandem::tools {
namespace {

double mean_grey(const Fingerprint& picture) {
  double sum = 0;
  for (const double value : picture.grey) sum += value;
  return sum / (255.0 * static_cast<double>(Fingerprint::kPixels));
}

Photo read_photo(const Parts& parts, std::size_t i, std::int64_t max_pixels, Fingerprint* fingerprint) {
  Photo photo;
  const ImageContent content = parts.content(i, max_pixels);
  const auto* file = std::get_if<std::vector<std::uint8_t>>(&content);
  const Image image = file != nullptr ? decode_image(*file, parts.title(i), max_pixels) : std::get<Image>(content);
  photo.width = image.width;
  photo.height = image.height;
  if (file != nullptr) {
    const ImageHeader header = read_image_header(*file);
    photo.bytes = file->size();
    photo.format = header.format;
    photo.orientation = header.orientation;
    photo.camera = exif_camera(Bytes(header.exif));
  } else {
    photo.bytes = image.pixels.size();
  }
  if (fingerprint == nullptr) return photo;
  *fingerprint = fingerprint_of(image);
  photo.brightness = mean_grey(*fingerprint);
  return photo;
}

}  // namespace

Photos read_photos(const Parts& parts, const ReadingOptions& options) {
  Photos photos;
  photos.facts.resize(parts.size());
  if (options.fingerprints) photos.fingerprints.resize(parts.size());
  Counting counting("decoding", parts.size());
  parallel_for_each(parts.size(), options.threads, [&](std::size_t i) {
    Fingerprint* fingerprint = options.fingerprints ? &photos.fingerprints[i] : nullptr;
    try {
      photos.facts[i] = read_photo(parts, i, options.max_pixels, fingerprint);
    } catch (const Error& e) {
      photos.facts[i].error = e.what();
    }
    counting.add();
  });
  return photos;
}

}  // namespace tandem::tools
