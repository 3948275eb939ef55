#pragma once
// The tensors in the value of a PyTorch file's pickle.

#include <functional>

#include "weights/torch/torch_meaning.h"
#include "weights/weights_file.h"

namespace tandem::pickle {

/// The bytes of the storage with a key; InputError if the file has none.
using FindStorage = std::function<std::span<const std::byte>(const std::string& key)>;

/// Fills entries, metadata and notes. A tensor's name is the keys that lead to it, joined by dots:
/// "state_dict.fc.bias". Tensors view the storages where they are contiguous and are copied where they are not; the
/// copies together hold no more than `limit` bytes.
void collect_tensors(const Value& root, const TorchMeaning& meaning, const FindStorage& find_storage, std::size_t limit,
                     WeightsFile& file);

}  // namespace tandem::pickle
