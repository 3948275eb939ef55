#pragma once
// What can be told of each photo of a data set by reading it once.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/image/image.h"
#include "data/image/image_header.h"
#include "tools/near/fingerprint.h"
#include "tools/study/parts.h"

namespace tandem::tools {

struct Photo {
  std::string error;  ///< why it cannot be used, one line; empty: it can, and what follows is known
  std::uint64_t bytes = 0;
  ImageFormat format = ImageFormat::unknown;
  int width = 0, height = 0;  ///< upright
  int orientation = 1;        ///< as the file says, 1 to 8
  std::string camera;         ///< empty: the file names none
  double brightness = 0;      ///< mean grey, 0 black to 1 white; only with fingerprints
};

struct Photos {
  std::vector<Photo> facts;               ///< of every image
  std::vector<Fingerprint> fingerprints;  ///< the same, if asked for; those of bad images are blank
};

struct ReadingOptions {
  std::int64_t max_pixels = kDefaultMaxPixels;  ///< an image with more is a bad one
  unsigned threads = 0;                         ///< 0: one per core
  bool fingerprints = false;
};

/// Decodes every image, and shows on standard error how far it is.
Photos read_photos(const Parts& parts, const ReadingOptions& options);

}  // namespace tandem::tools
