#pragma once
// The config's "finetune": which parameters are trained, and from when on.

#include <string>
#include <vector>

#include "core/base/option_keys.h"

namespace tandem {

/// What trains again, and when.
struct UnfreezeOptions {
  int after_epochs = 1;
  std::vector<std::string> patterns = {"*"};

  bool operator==(const UnfreezeOptions&) const = default;
};

struct FinetuneOptions {
  std::vector<std::string> freeze;        ///< Patterns of parameters that are not trained.
  std::vector<UnfreezeOptions> unfreeze;  ///< In the order of their epochs.
  bool freeze_statistics = false;         ///< Batch norm uses and keeps its running statistics.

  bool operator==(const FinetuneOptions&) const = default;
};

template <class Keys, Of<UnfreezeOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("after_epochs", c.after_epochs, Range{1, 1e6});
  keys("patterns", c.patterns);
}

template <class Keys, Of<FinetuneOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("freeze", c.freeze);
  keys("unfreeze", c.unfreeze);
  keys("freeze_statistics", c.freeze_statistics);
}

/// Epochs in increasing order, and nothing unfrozen that never was frozen.
inline void check_options(const FinetuneOptions& c, OptionProblems& problems) {
  if (c.freeze.empty() && !c.unfreeze.empty())
    problems.push_back({"/unfreeze", "an empty list, since /finetune/freeze is empty"});
  for (std::size_t i = 1; i < c.unfreeze.size(); ++i)
    if (c.unfreeze[i].after_epochs <= c.unfreeze[i - 1].after_epochs)
      problems.push_back({"/unfreeze", "epochs in increasing order"});
}

}  // namespace tandem
