#pragma once
// Which image goes into which part.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem::tools {

struct PartShare {
  std::string name;
  double share;  // of the images, in (0, 1)
};

/// "train=0.8,val=0.1,test=0.1": two parts or more, whose names differ and make file names, and whose shares sum to 1.
/// InputError otherwise, its message beginning with "--parts".
std::vector<PartShare> parse_parts(const std::string& text);

/// The part of each image. The images of a group stay together: `groups` are sets of two or more, an image in none or
/// one of them. Of every class c each part p should have t = share_p n_c images, and T = share_p n in all; the plan
/// makes the sum of (images of c in p - t)^2 over classes and parts, plus that of (images in p - T)^2 over parts, as
/// small as moving one group or image at a time can, beginning with the largest groups. Without groups an image more or
/// less than t is the rule. A pure function of its arguments; another seed deals otherwise.
std::vector<std::size_t> plan_split(const std::vector<std::size_t>& labels,
                                    const std::vector<std::vector<std::size_t>>& groups,
                                    const std::vector<double>& shares, std::uint64_t seed);

}  // namespace tandem::tools
