#include "layers/twin_towers.h"

#include "core/ops/arithmetic.h"
#include "layers/backbones/factory.h"

namespace tandem {

TwinTowers::TwinTowers(Backend& backend, DType real, const TwinTowersOptions& options)
    : options_(options),
      backbone_(make_backbone(backend, real, options.backbone)),
      classifier_(backend, real, backbone_->features(), options.classes),
      embedding_(backend, real, backbone_->features(), options.embedding) {
  add_module("", *backbone_);
  add_module("fc", classifier_);
  add_module("embedding", embedding_);
}

TowerOutputs TwinTowers::forward(Context& context, const Variable& images) {
  const Variable features = backbone_->forward(context, images);
  const Variable seen =
      context.drop && context.drop->features ? ops::mul(context, features, context.drop->features) : features;
  return {classifier_.forward(context, seen), embedding_.forward(context, seen), features};
}

}  // namespace tandem
