#include "tools/lists/cleaning.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"

namespace tandem::tools {
namespace {

std::size_t largest(const std::vector<std::size_t>& images, const std::vector<Photo>& facts) {
  const auto size = [&](std::size_t i) {
    return std::pair(static_cast<std::int64_t>(facts[i].width) * facts[i].height, facts[i].bytes);
  };
  // The first of equal ones: max_element keeps it.
  return *std::max_element(images.begin(), images.end(),
                           [&](std::size_t a, std::size_t b) { return size(a) < size(b); });
}

std::string contradiction(const Parts& parts, const SamePicture& same, std::size_t image) {
  const auto other = std::find_if(same.images.begin(), same.images.end(),
                                  [&](std::size_t i) { return parts.label(i) != parts.label(image); });
  return fmt::format("left out: {}: is '{}', but the same picture {} is '{}'", parts.name(image), parts.class_of(image),
                     parts.name(*other), parts.class_of(*other));
}

}  // namespace

Cleaning clean(const Parts& parts, const Photos& photos, const Findings& findings) {
  std::vector<std::string> reasons(parts.size());  // empty: kept
  for (const std::size_t i : findings.bad) reasons[i] = "left out: " + photos.facts[i].error;
  for (const SamePicture& same : findings.copies) {
    std::vector<std::size_t> usable;
    for (const std::size_t i : same.images)
      if (reasons[i].empty()) usable.push_back(i);
    if (usable.empty()) continue;  // equal files that are all bad
    const std::size_t best = largest(usable, photos.facts);
    for (const std::size_t i : usable) {
      if (same.contradicts)
        reasons[i] = contradiction(parts, same, i);
      else if (i != best)
        reasons[i] = fmt::format("left out: {}: the same {} as {}", parts.name(i), same.exact ? "file" : "picture",
                                 parts.name(best));
    }
  }
  Cleaning cleaning;
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    if (reasons[i].empty())
      cleaning.kept.push_back(i);
    else
      cleaning.remarks.push_back(std::move(reasons[i]));
  }
  return cleaning;
}

}  // namespace tandem::tools
