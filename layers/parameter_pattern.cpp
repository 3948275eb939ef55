#include "layers/parameter_pattern.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/pattern.h"

namespace tandem {

bool is_of_a_head(std::string_view name) { return name.starts_with("fc.") || name.starts_with("embedding."); }

bool parameter_fits(const std::string& name, std::string_view pattern) {
  return fits_pattern(name, pattern) || (!is_of_a_head(name) && fits_pattern("backbone." + name, pattern));
}

std::vector<std::string> parameters_that_fit(Module& network, const std::string& pattern) {
  std::vector<std::string> names;
  for (const NamedTensor& p : network.parameters())
    if (parameter_fits(p.name, pattern)) names.push_back(p.name);
  return names;
}

std::string known_parameters(const std::vector<NamedTensor>& parameters) {
  std::vector<std::string> known;
  for (const NamedTensor& p : parameters) {
    const std::string part = p.name.substr(0, p.name.find('.')) + ".*";
    if (std::find(known.begin(), known.end(), part) == known.end()) known.push_back(part);
  }
  return fmt::format("{}", fmt::join(known, ", "));
}

}  // namespace tandem
