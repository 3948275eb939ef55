#pragma once
// The parts of a siamese network as sections of a config.

#include "weights/caffe/migration/siamese.h"

namespace tandem {

/// The losses and their weights: "loss", and the classifier's and the embedding head's sizes.
void migrate_losses(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes);

/// The ResNet before the heads: "model", and "optimizer.groups" of the factors of its parameters and of the heads'.
void migrate_backbone(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes);

/// The data layers: "data", "pairs" and "model.input". Returns how many training images their list has, 0 if that is
/// not known.
std::int64_t migrate_data(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes);

}  // namespace tandem
