#pragma once
// Whether a run may go on from a checkpoint: everything that decides what a step does must be as it was.

#include <filesystem>
#include <string>

#include "data/list/image_list.h"
#include "train/checkpoint/checkpoint.h"

namespace tandem {

/// InputError, with the JSON pointer and both values, for the first difference between the checkpoint at `path` and
/// what the run would begin with `now` that matters. Free to change: device, output, workers, evaluation, where the
/// training images are, the number of epochs, checkpoints.
void check_resumable(const std::filesystem::path& path, const CheckpointInfo& checkpoint, const CheckpointInfo& now);

/// The same for lists with the same files' names and labels in the same order, wherever the files are.
std::string fingerprint(const ImageList& list);

}  // namespace tandem
