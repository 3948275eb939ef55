#pragma once
// Whether a run may go on from a checkpoint: everything that decides what a step does must be as it was.

#include <filesystem>
#include <string>

#include "data/source/image_source.h"
#include "train/checkpoint/checkpoint.h"

namespace tandem {

/// InputError, with the JSON pointer and both values, for the first difference between the checkpoint at `path` and
/// what the run would begin with `now` that matters. Free to change: device, output, workers, evaluation, where the
/// training images are, the number of epochs, checkpoints.
void check_resumable(const std::filesystem::path& path, const CheckpointInfo& checkpoint, const CheckpointInfo& now);

/// The same for sources with the same images (ImageSource::identity()) and labels in the same order, and with the same
/// weights, wherever the data is.
std::string fingerprint(const ImageSource& list);

}  // namespace tandem
