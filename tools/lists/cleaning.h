#pragma once
// What a cleaned list leaves out.

#include <cstddef>
#include <string>
#include <vector>

#include "tools/study/findings.h"

namespace tandem::tools {

struct Cleaning {
  std::vector<std::size_t> kept;     ///< in the order of the data set
  std::vector<std::string> remarks;  ///< a line for each image that is left out: which, and why
};

/// Leaves out bad images, every image of a picture with two labels, and of one that is there more than once with one
/// label all but the largest: most pixels, of equal ones most bytes, of equal ones the first.
Cleaning clean(const Parts& parts, const Photos& photos, const Findings& findings);

}  // namespace tandem::tools
