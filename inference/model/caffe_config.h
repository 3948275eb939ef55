#pragma once
// A network and its solver of Caffe's as a config of tandem-train's: what weights/caffe/migration/ finds, and the name
// of the backbone.

#include "weights/caffe/migration/migration.h"

namespace tandem {

/// migrate_caffe(), the config with model.arch and model.resnet. A backbone that a config has no name for is told in a
/// finding.
CaffeMigration migrate_caffe_config(const CaffeSources& sources);

}  // namespace tandem
