#pragma once
// Images that a network takes for something else than their class's other images.

#include <cstddef>
#include <span>
#include <vector>

#include "inference/model/model_file.h"
#include "tools/study/parts.h"
#include "tools/study/photos.h"

namespace tandem::tools {

struct Outlier {
  std::size_t image;
  double distance;            ///< mean distance to the 5 nearest images of its class
  double score;               ///< by how many deviations that is above the class's median
  std::size_t nearest_image;  ///< of all others
};

/// Of each class with 10 images or more: those whose distance is above the class's median by more than 5 deviations,
/// 1.4826 times the median of the distances' absolute differences from it. The farthest first. embeddings: (N, D) row
/// by row, compared by Euclidean distance; labels: (N).
std::vector<Outlier> find_outliers(std::span<const float> embeddings, std::span<const std::size_t> labels,
                                   std::size_t dimensions, unsigned threads = 0);

/// The same of a data set's usable images, with the embeddings of a checkpoint's network, or, if its embedding was not
/// trained, the backbone's features. InputError for a network that cannot be run.
std::vector<Outlier> find_outliers(const Parts& parts, const Photos& photos, const ModelFile& model,
                                   std::int64_t max_pixels);

}  // namespace tandem::tools
