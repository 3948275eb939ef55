#pragma once
// What a loader hands to the trainer.

#include <cstdint>
#include <vector>

namespace tandem {

/// Some images of one size with their labels. Of a batch of N pairs, the first N images are stream A's, the last N
/// stream B's; pair i is (i, N + i).
struct Batch {
  std::int64_t step = 0;             // training: the step; evaluation: the batch's number, from 0
  int images = 0;                    // 2N for N pairs
  int size = 0;                      // height and width
  std::vector<std::uint8_t> pixels;  // (images, size, size, 3), channels in the order that was asked for
  std::vector<std::int32_t> labels;  // (images)
  // Where training mixes images: the labels (images) of those that they are mixed with, and the share that an image's
  // own label has. Empty: nothing is mixed.
  std::vector<std::int32_t> other_labels = {};
  double own_share = 1;
};

}  // namespace tandem
