#include "layers/backbones/resnet.h"

#include "core/backend/host_copy.h"

namespace tandem {

using ops::Activation;

/// relu(f(x) + shortcut(x)), where f is a chain of convolutions.
class ResNet::ResidualBlock : public Module {
 public:
  struct Widths {
    std::int64_t in, inner, out;
  };

  /// `last_weight`: what the scale of the last batch norm begins as.
  ResidualBlock(Backend& backend, DType real, const ResNetSpec& spec, const Widths& widths, std::int64_t stride,
                double last_weight) {
    const auto [in, inner, out] = widths;
    if (spec.block == ResNetSpec::Block::basic) {
      append(backend, real, in, inner, 3, stride);
      append(backend, real, inner, out, 3, 1, last_weight);
    } else {
      const bool first = spec.stride_on == ResNetSpec::StrideOn::conv1x1;
      append(backend, real, in, inner, 1, first ? stride : 1);
      append(backend, real, inner, inner, 3, first ? 1 : stride, 1, spec.groups);
      append(backend, real, inner, out, 1, 1, last_weight);
    }
    if (in == out && stride == 1) return;
    pooled_ = spec.pooled_shortcut && stride == 2;
    downsample_ = std::make_unique<ConvNorm>(backend, real, in, out, 1, pooled_ ? 1 : stride);
    const int first = spec.pooled_shortcut ? 1 : 0;  // behind the pool, or where it would be
    add_module(fmt::format("downsample.{}", first), downsample_->conv);
    add_module(fmt::format("downsample.{}", first + 1), downsample_->norm);
  }

  /// `factors` (N): of the chain's output, of a block that is trained; undefined: none.
  Variable forward(Context& context, Variable x, const Tensor& factors) {
    Variable y = x;
    for (std::size_t i = 0; i + 1 < chain_.size(); ++i) y = chain_[i]->forward(context, y, Activation::relu);
    if (pooled_) x = ops::average_pool(context, x, 2);
    if (downsample_) x = downsample_->forward(context, x, Activation::none);
    if (factors && trains()) {
      y = ops::scale_images(context, chain_.back()->forward(context, y, Activation::none), factors);
      return ops::relu(context, ops::add(context, y, x));
    }
    return chain_.back()->forward(context, y, Activation::relu, std::move(x));
  }
  void fold(Backend& backend) {
    for (auto& part : chain_) part->fold(backend);
    if (downsample_) downsample_->fold(backend);
  }
  void unfold() {
    for (auto& part : chain_) part->unfold();
    if (downsample_) downsample_->unfold();
  }

 private:
  void append(Backend& backend, DType real, std::int64_t in, std::int64_t out, std::int64_t window, std::int64_t stride,
              double weight = 1, std::int64_t groups = 1) {
    chain_.push_back(std::make_unique<ConvNorm>(backend, real, in, out, window, stride, weight, groups));
    const std::string number = std::to_string(chain_.size());
    add_module("conv" + number, chain_.back()->conv);
    add_module("bn" + number, chain_.back()->norm);
  }

  std::vector<std::unique_ptr<ConvNorm>> chain_;
  std::unique_ptr<ConvNorm> downsample_;
  bool pooled_ = false;
};

/// From an image z of ImageNet's statistics m and s to x = (s z + m - mean) / deviation, by a batch norm whose running
/// statistics are 0 and 1.
class ResNet::InputChange {
 public:
  InputChange(Backend& backend, DType real, const InputStatistics& input)
      : zero_(constant(backend, real, {0, 0, 0})), one_(constant(backend, real, {1, 1, 1})) {
    const InputStatistics image_net;
    std::vector<double> factor(3), shift(3);
    for (std::size_t c = 0; c < 3; ++c) {
      factor[c] = image_net.deviation[c] / input.deviation[c];
      shift[c] = (image_net.mean[c] - input.mean[c]) / input.deviation[c];
    }
    factor_ = constant(backend, real, factor);
    shift_ = constant(backend, real, shift);
  }

  Variable apply(Context& context, const Variable& images) const {
    Tensor y = context.backend.empty(images.shape(), images.value().dtype());
    BatchNormOptions options;
    options.eps = 0;
    context.backend.batch_norm_forward_eval(options, images.value(), {}, factor_, shift_, zero_, one_, y);
    return y;
  }

 private:
  static Tensor constant(Backend& backend, DType real, const std::vector<double>& values) {
    Tensor tensor = backend.empty({3}, real);
    upload_real(backend, values, tensor);
    return tensor;
  }

  Tensor zero_, one_, factor_, shift_;
};

ResNet::ResNet(Backend& backend, DType real, const ResNetSpec& spec, bool zero_init_residual)
    : caffe_pool_(spec.caffe_pool),
      stem_(backend, real, spec.deep_stem ? spec.stem_width / 2 : 3, spec.stem_width, spec.deep_stem ? 3 : 7,
            spec.deep_stem ? 1 : 2),
      features_(spec.stem_width) {
  require(!spec.depths.empty(), "resnet: no stages, expected at least one");
  require(spec.inner_width(spec.width) > 0, "resnet: groups without a channel");
  require(spec.block == ResNetSpec::Block::bottleneck || (spec.groups == 1 && spec.group_width == 64),
          "resnet: {} groups of {} channels in basic blocks, expected 1 of 64", spec.groups, spec.group_width);
  if (spec.input != InputStatistics()) input_ = std::make_unique<InputChange>(backend, real, spec.input);
  add_stem(backend, real, spec);
  std::int64_t width = spec.width;
  for (std::size_t stage = 0; stage < spec.depths.size(); ++stage, width *= 2) {
    require(spec.depths[stage] > 0, "resnet: stage {} has no blocks, expected at least one", stage + 1);
    const std::int64_t inner = spec.inner_width(width);
    const std::int64_t out = spec.block == ResNetSpec::Block::bottleneck ? 4 * width : width;
    for (int i = 0; i < spec.depths[stage]; ++i) {
      const std::int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      blocks_.push_back(std::make_unique<ResidualBlock>(
          backend, real, spec, ResidualBlock::Widths{features_, inner, out}, stride, zero_init_residual ? 0 : 1));
      add_module(fmt::format("layer{}.{}", stage + 1, i), *blocks_.back());
      features_ = out;
    }
  }
}

ResNet::~ResNet() = default;

/// timm's names for a deep stem: positions in a sequence that holds batch norms and activations, too.
void ResNet::add_stem(Backend& backend, DType real, const ResNetSpec& spec) {
  if (spec.deep_stem) {
    require(spec.stem_width % 2 == 0, "resnet: a deep stem of {} channels, expected an even number", spec.stem_width);
    for (const bool first : {true, false}) {
      const std::int64_t half = spec.stem_width / 2;
      deep_stem_.push_back(std::make_unique<ConvNorm>(backend, real, first ? 3 : half, half, 3, first ? 2 : 1));
      add_module(first ? "conv1.0" : "conv1.3", deep_stem_.back()->conv);
      add_module(first ? "conv1.1" : "conv1.4", deep_stem_.back()->norm);
    }
  }
  add_module(spec.deep_stem ? "conv1.6" : "conv1", stem_.conv);
  add_module("bn1", stem_.norm);
}

void ResNet::fold(Backend& backend) {
  for (auto& part : deep_stem_) part->fold(backend);
  stem_.fold(backend);
  for (auto& block : blocks_) block->fold(backend);
}

void ResNet::unfold() {
  for (auto& part : deep_stem_) part->unfold();
  stem_.unfold();
  for (auto& block : blocks_) block->unfold();
}

Variable ResNet::forward(Context& context, const Variable& images) {
  Variable x = input_ ? input_->apply(context, images) : images;
  for (auto& part : deep_stem_) x = part->forward(context, x, Activation::relu);
  x = stem_.forward(context, x, Activation::relu);
  x = ops::max_pool(context, x, caffe_pool_ ? Pool2dGeometry{3, 2, 0, true} : Pool2dGeometry{3, 2, 1});
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    x = blocks_[i]->forward(context, std::move(x), context.branch_factors(i));
  return ops::global_average_pool(context, x);
}

}  // namespace tandem
