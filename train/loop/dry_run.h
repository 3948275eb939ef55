#pragma once
// What a run would take, without running it.

#include <ostream>

#include "train/loop/session.h"

namespace tandem {

/// Decodes every image, times a few steps, which train the network on from `state`, and says what the run would take.
void dry_run(Session& session, const RunState& state, std::ostream& out);

/// Uses the memory that a run would with `pairs` pairs a step, training and evaluating, on blank images. Throws
/// OutOfMemory if they do not fit.
void try_batch(Config config, int pairs);

}  // namespace tandem
