#include "layers/freezing.h"

#include "layers/basic.h"

namespace tandem {

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

}  // namespace tandem
