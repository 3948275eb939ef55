#pragma once
// The learning rate of a run as a drawing of characters, to be looked at before it begins.

#include <string>

#include "train/loop/epochs.h"
#include "train/optim/schedule.h"

namespace tandem {

/// Lines that say where the rate begins, is highest and ends, above a plot of it over the epochs. The schedule
/// "plateau" is drawn as if it never fell, and that is said.
std::string plot(const Schedule& schedule, const Epochs& epochs);

}  // namespace tandem
