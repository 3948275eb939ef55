#pragma once
// Caffe's solver as the config's optimizer, schedule, checkpoint and device.

#include "weights/caffe/caffe.pb.h"
#include "weights/caffe/migration/draft.h"

namespace tandem {

/// `weights` as in CaffeSources. Leaves the length of the run to the network's batches.
void migrate_solver(const caffe::SolverParameter& solver, const std::string& weights, CaffeNotes& notes);

}  // namespace tandem
