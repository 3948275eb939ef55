#pragma once
// Whether a run may go on from a checkpoint: everything that decides what a step does must be as it was.

#include <filesystem>
#include <string>
#include <vector>

#include "train/checkpoint.h"

namespace tandem {

/// InputError, with the JSON pointer and both values, for the first difference that matters. Free to change: device,
/// output, workers, evaluation, the paths of the training list, the number of epochs, checkpoints.
void check_resumable(const std::filesystem::path& path, const CheckpointInfo& checkpoint, const Config& config,
                     const std::vector<std::string>& classes, std::int64_t images);

}  // namespace tandem
