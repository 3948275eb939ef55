#pragma once
// Where a run begins: with random weights, with the weights of a file, or with a checkpoint.

#include <filesystem>
#include <ostream>

#include "train/loop/session.h"

namespace tandem {

/// The config, model.arch being a name: where it is "auto", that of the network in model.weights, or, for a run that is
/// resumed, in its last checkpoint; `out` is told. InputError for a network that no name has.
Config with_architecture(Config config, bool resume, std::ostream& out);

/// A new run. Loads the config's weights, if it names some, and says so on `out`.
RunState begin_anew(Session& session, std::ostream& out);

/// Goes on from a checkpoint, computing in the ways that the run has chosen, and says on `out` what changes from here
/// on. InputError if the checkpoint cannot be used, belongs to another run, or has done more steps than the config asks
/// for.
RunState resume(Session& session, const std::filesystem::path& checkpoint, std::ostream& out);

}  // namespace tandem
