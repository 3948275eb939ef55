#pragma once
// What stands before the names of a network's tensors in a file: "state_dict.module.", "model.", "backbone.".

#include <string>
#include <vector>

#include "weights/weights_file.h"

namespace tandem {

/// The prefix before `names`, all of which must be there behind it. Without a key, moving averages ("ema" in the
/// prefix) are passed over where there is something else, and the shortest prefix that is left is taken; with a key,
/// one that begins with it. What was found and what was passed over is told in `notes`. InputError if no prefix fits,
/// or if two of the same length do.
std::string find_prefix(const WeightsFile& file, const std::string& key, const std::vector<std::string>& names,
                        std::vector<std::string>& notes);

}  // namespace tandem
