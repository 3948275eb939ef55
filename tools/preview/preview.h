#pragma once
// The first batches of a run as the network sees them, for people: `tandem-data preview`.

#include <cstdint>
#include <string>
#include <vector>

#include "data/image/image.h"
#include "data/source/image_source.h"
#include "train/config/config.h"

namespace tandem::tools {

/// One image of a pair.
struct PreviewImage {
  Image pixels;         ///< the network's input before it is normalised; RGB, also where the network takes BGR
  std::string label;    ///< its class
  std::string path;     ///< its file
  std::string applied;  ///< how it was varied, but for its crop: "mirrored, rotate +3.1"; empty: not at all
};

/// Image i of stream A beside image i of stream B.
struct PreviewPair {
  PreviewImage a, b;
  bool same = false;  ///< their labels are equal
};

struct PreviewBatch {
  std::int64_t step = 0;  ///< from 1, as in metrics.jsonl
  std::vector<PreviewPair> pairs;
};

/// The first `batches` batches of a run with this config, in order, prepared by the run's own loader. `list` is that of
/// open_training_list(). InputError for more pairs a step than images, and for an image that cannot be used.
std::vector<PreviewBatch> draw_preview(const Config& config, const ImageSource& list, int batches);

/// A page that needs no other file: every pair with its labels, its files and how it was varied. Names are escaped.
std::string preview_page(const Config& config, const ImageSource& list, const std::vector<PreviewBatch>& batches);

/// The pairs as one picture, the batches one below the other: A beside B, in a green frame where their labels are
/// equal, in an orange one where they are not. InputError if it would have more than 2^28 pixels.
Image preview_sheet(const std::vector<PreviewBatch>& batches);

/// The pairs as lines of text, in the order of the picture.
std::string preview_lines(const std::vector<PreviewBatch>& batches);

}  // namespace tandem::tools
