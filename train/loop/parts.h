#pragma once
// The parts of a run, made as its config says.

#include <memory>

#include "data/image/transform.h"
#include "data/list/image_list.h"
#include "data/loader/pair_stream.h"
#include "inference/engine.h"
#include "train/config/config.h"
#include "train/loop/step_executor.h"
#include "train/optim/optimizer.h"
#include "train/optim/schedule.h"

namespace tandem {

ImageList load_list(const SourceConfig& source, std::optional<int> classes);
/// The images of an evaluation, for a network with these classes.
ImageList load_known_list(const SourceConfig& source, const std::vector<std::string>& classes);
/// What the lists' owner should know before a run begins, a line each.
std::vector<std::string> data_remarks(const ImageList& train, const std::optional<ImageList>& eval);
Augment augment_of(const AugmentConfig& config);
Engine engine_of(const Config& config);
std::unique_ptr<Optimizer> make_optimizer(Backend& backend, Module& module, const OptimizerConfig& config);
/// The rates of a run over the stream's pairs.
Schedule make_schedule(const Config& config, const PairStream& stream);
StepOptions step_options(const Config& config, const Engine& engine);
/// Device, type and groups of the config's steps.
Context step_context(const Config& config, const Engine& engine);

/// Uses the memory that the run would with `pairs` pairs a step, training and evaluating, on pixels of no meaning.
/// Throws OutOfMemory if they do not fit.
void try_batch(Config config, int pairs);

}  // namespace tandem
