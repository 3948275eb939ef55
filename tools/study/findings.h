#pragma once
// What there is to be said about a data set, and what is wrong with it.

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/near/near_pairs.h"
#include "tools/study/outliers.h"
#include "tools/study/parts.h"
#include "tools/study/photos.h"

namespace tandem::tools {

/// Images that are one picture.
struct SamePicture {
  std::vector<std::size_t> images;  ///< two or more, rising
  bool exact = false;               ///< their files are equal, byte by byte
  bool contradicts = false;         ///< they have two labels or more
  bool leaks = false;               ///< they lie in two parts or more
};

/// How many images have a value each: a histogram's bars, or the shares of cameras.
struct Distribution {
  std::string key, title;
  struct Bar {
    std::string label;
    std::size_t images;
  };
  std::vector<Bar> bars;
};

struct Findings {
  std::vector<std::size_t> bad;     ///< images that cannot be used; Photo::error says why
  std::vector<SamePicture> copies;  ///< in the order of their first images
  std::vector<NearPair> near;       ///< empty if they were not looked for
  std::vector<Outlier> outliers;    ///< likewise
  std::vector<std::string> remarks;
};

/// The bad images, the copies, and the remarks of data/list/list_checks.h. Near duplicates too where the photos have
/// fingerprints: those that are copies of each other's copies are one picture.
Findings find(const Parts& parts, const Photos& photos, unsigned threads = 0);

/// Formats, sizes, proportions, brightness, orientations and cameras of the images that can be used.
std::vector<Distribution> distributions(const std::vector<Photo>& photos);

/// How many pictures are there more than once with equal files, in files that differ, with two labels, in two parts.
struct CopyCounts {
  std::size_t exact = 0, near = 0, contradictions = 0, leaks = 0;
};
CopyCounts count_copies(const std::vector<SamePicture>& copies);

/// Exit statuses of tandem-data check and stats, added up: 2 for bad images, as every program has for bad input; where
/// `strict`, also 8 for pictures with two labels and 16 for pictures in two parts. 0 if there is nothing of these.
int exit_status(const Findings& findings, bool strict);

}  // namespace tandem::tools
