#pragma once
// What the tests of image lists compare.

#include <string>
#include <vector>

#include "data/list/image_list.h"

namespace tandem::test {

using Labels = std::vector<std::int32_t>;
using Names = std::vector<std::string>;

inline Labels labels(const ImageList& list) {
  Labels result;
  for (std::size_t i = 0; i < list.size(); ++i) result.push_back(list.label(i));
  return result;
}

}  // namespace tandem::test
