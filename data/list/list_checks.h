#pragma once
// What may be wrong with a list of images, or odd about it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/image/image.h"
#include "data/source/image_source.h"

namespace tandem {

/// An image that cannot be used, and why (one line, naming the file).
struct BadImage {
  std::size_t index;
  std::string message;
};

/// Decodes every image of the list on `threads` threads (0: one per core) and returns the first `limit` bad ones,
/// those for which memory does not suffice among them.
std::vector<BadImage> find_bad_images(const ImageSource& list, unsigned threads, std::size_t limit,
                                      std::int64_t max_pixels = kDefaultMaxPixels);

/// Decodes every image of the list; throws InputError for the first bad one.
void check_decodes(const ImageSource& list, std::int64_t max_pixels = kDefaultMaxPixels, unsigned threads = 0);

/// How many images each class has.
std::vector<std::size_t> images_per_class(const ImageSource& list);

/// Throws InputError unless at least two classes have images.
void require_two_classes(const ImageSource& list);

/// A line each on what the list's owner may not know: classes without images, files that are not read,
/// subfolders that are no classes.
std::vector<std::string> remarks(const ImageSource& list);

}  // namespace tandem
