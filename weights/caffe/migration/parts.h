#pragma once
// The parts of a siamese network as sections of a config.

#include <optional>

#include "weights/caffe/migration/siamese.h"
#include "weights/resnet_weights.h"

namespace tandem {

/// The losses and their weights: "loss"; the classifier's and the embedding head's sizes, and the dropout before them.
void migrate_losses(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes);

/// The ResNet before the heads, or nothing where there is none; "optimizer.groups" and "finetune.freeze" of the factors
/// of its parameters and of the heads'.
std::optional<ResNetShape> migrate_backbone(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes);

/// The data layers: "data", "pairs" and "model.input". Returns how many training images their list has, 0 if that is
/// not known.
std::int64_t migrate_data(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes);

}  // namespace tandem
