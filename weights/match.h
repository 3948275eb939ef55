#pragma once
// Which tensors of a file go into which of a network: the table that a user sees.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "weights/weights_file.h"

namespace tandem {

/// A tensor that a network wants.
struct WantedTensor {
  std::string name;
  std::vector<std::int64_t> shape;  ///< in PyTorch's order
  /// A head's: it may be missing, or of another size, and then begins at random.
  bool optional = false;
};

struct MatchedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  const WeightsEntry* source = nullptr;  ///< what is taken; null: it begins at random
  std::string why;                       ///< why it is not taken: "not in the file"
};

struct Match {
  std::vector<MatchedTensor> tensors;          ///< one for each wanted tensor, in order
  std::vector<const WeightsEntry*> left_over;  ///< entries that nothing wanted
};

/// Matches by name. A wanted tensor whose name fits one of the patterns `skip` (`*` stands for anything, `?` for a
/// character) is not taken. InputError, naming the file and both shapes, for another one that is missing, is no
/// floating-point tensor, or has another shape; and for a pattern that fits no wanted tensor.
Match match_weights(const std::filesystem::path& path, const std::vector<WeightsEntry>& entries,
                    const std::vector<WantedTensor>& wanted, const std::vector<std::string>& skip);

/// The match as text, a line for each tensor: taken, random, left over. `origins` says what the file calls a tensor.
std::string describe_match(const Match& match, const std::map<std::string, std::string>& origins);

/// The match in short: how many were taken, a line for each that begins at random, the first few that were left over.
std::string summarise_match(const Match& match, const std::map<std::string, std::string>& origins);

/// A floating-point tensor's elements as f32 or f64, in the file's order: F64, F32, F16 and BF16 are converted, to the
/// nearest. Error for another type.
template <class Real>
std::vector<Real> real_values(const WeightsEntry& entry);

/// Whether real_values() can convert it.
bool is_floating_point(const WeightsEntry& entry);

}  // namespace tandem
