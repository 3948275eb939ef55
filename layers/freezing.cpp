#include "layers/freezing.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/pattern.h"
#include "layers/basic.h"

namespace tandem {
namespace {

bool is_of_a_head(const std::string& name) { return name.starts_with("fc.") || name.starts_with("embedding."); }

bool fits(const std::string& name, const std::string& pattern) {
  return fits_pattern(name, pattern) || (!is_of_a_head(name) && fits_pattern("backbone." + name, pattern));
}

}  // namespace

std::vector<std::string> parameters_that_fit(Module& network, const std::string& pattern) {
  std::vector<std::string> names;
  for (const NamedTensor& p : network.parameters())
    if (fits(p.name, pattern)) names.push_back(p.name);
  return names;
}

void freeze(Module& network, const std::set<std::string>& names, bool fix_statistics) {
  for (const NamedTensor& p : network.parameters())
    if (names.contains(p.name))
      p.parameter->freeze();
    else
      p.parameter->unfreeze();
  network.for_each([&](Module& module) {
    if (auto* norm = dynamic_cast<BatchNorm2d*>(&module)) norm->fix_statistics(fix_statistics || !norm->is_trained());
  });
}

std::string known_parameters(Module& network) {
  std::vector<std::string> known;
  for (const NamedTensor& p : network.parameters()) {
    const std::string part = p.name.substr(0, p.name.find('.')) + ".*";
    if (std::find(known.begin(), known.end(), part) == known.end()) known.push_back(part);
  }
  return fmt::format("{}", fmt::join(known, ", "));
}

}  // namespace tandem
