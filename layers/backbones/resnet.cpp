#include "layers/backbones/resnet.h"

namespace tandem {
namespace {

using ops::Activation;

constexpr ResNetSpec kSpecs[] = {{"resnet18", {2, 2, 2, 2}, false},
                                 {"resnet34", {3, 4, 6, 3}, false},
                                 {"resnet50", {3, 4, 6, 3}, true},
                                 {"resnet101", {3, 4, 23, 3}, true}};

/// A block as a chain of convolutions, the last of which takes the shortcut in.
class ChainBlock : public ResidualBlock {
 public:
  Variable forward(Context& context, Variable x) override {
    Variable y = x;
    for (std::size_t i = 0; i + 1 < chain_.size(); ++i) y = chain_[i]->forward(context, y, Activation::relu);
    if (downsample_) x = downsample_->forward(context, x, Activation::none);
    return chain_.back()->forward(context, y, Activation::relu, std::move(x));
  }
  BatchNorm2d& last_norm() override { return chain_.back()->norm; }
  void fold(Backend& backend) override {
    for (auto& part : chain_) part->fold(backend);
    if (downsample_) downsample_->fold(backend);
  }
  void unfold() override {
    for (auto& part : chain_) part->unfold();
    if (downsample_) downsample_->unfold();
  }

 protected:
  void append(Backend& backend, DType real, std::int64_t in, std::int64_t out, std::int64_t window,
              std::int64_t stride = 1) {
    chain_.push_back(std::make_unique<ConvNorm>(backend, real, in, out, window, stride));
    const std::string number = std::to_string(chain_.size());
    add_module("conv" + number, chain_.back()->conv);
    add_module("bn" + number, chain_.back()->norm);
  }
  void downsample(Backend& backend, DType real, std::int64_t in, std::int64_t out, std::int64_t stride) {
    if (in == out && stride == 1) return;
    downsample_ = std::make_unique<ConvNorm>(backend, real, in, out, 1, stride);
    add_module("downsample.0", downsample_->conv);
    add_module("downsample.1", downsample_->norm);
  }

 private:
  std::vector<std::unique_ptr<ConvNorm>> chain_;
  std::unique_ptr<ConvNorm> downsample_;
};

class BasicBlock : public ChainBlock {
 public:
  BasicBlock(Backend& backend, DType real, std::int64_t in, std::int64_t width, std::int64_t stride) {
    append(backend, real, in, width, 3, stride);
    append(backend, real, width, width, 3);
    downsample(backend, real, in, width, stride);
  }
};

class Bottleneck : public ChainBlock {
 public:
  Bottleneck(Backend& backend, DType real, std::int64_t in, std::int64_t width, std::int64_t stride) {
    append(backend, real, in, width, 1);
    append(backend, real, width, width, 3, stride);
    append(backend, real, width, 4 * width, 1);
    downsample(backend, real, in, 4 * width, stride);
  }
};

}  // namespace

const ResNetSpec& resnet_spec(std::string_view name) {
  std::string known;
  for (const ResNetSpec& spec : kSpecs) {
    if (spec.name == name) return spec;
    known += (known.empty() ? "" : ", ") + std::string(spec.name);
  }
  fail_input("arch: got \"{}\", expected one of {}", name, known);
}

ResNet::ResNet(Backend& backend, DType real, const ResNetSpec& spec) : stem_(backend, real, 3, 64, 7, 2) {
  add_module("conv1", stem_.conv);
  add_module("bn1", stem_.norm);
  std::int64_t in = 64;
  for (int stage = 0; stage < 4; ++stage) {
    const std::int64_t width = std::int64_t{64} << stage;
    for (int i = 0; i < spec.blocks[static_cast<std::size_t>(stage)]; ++i) {
      const std::int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      if (spec.bottleneck)
        blocks_.push_back(std::make_unique<Bottleneck>(backend, real, in, width, stride));
      else
        blocks_.push_back(std::make_unique<BasicBlock>(backend, real, in, width, stride));
      add_module(fmt::format("layer{}.{}", stage + 1, i), *blocks_.back());
      in = spec.bottleneck ? 4 * width : width;
    }
  }
}

void ResNet::zero_init_residual(Backend& backend) {
  for (auto& block : blocks_) backend.fill(block->last_norm().weight(), 0.0);
}

void ResNet::fold(Backend& backend) {
  stem_.fold(backend);
  for (auto& block : blocks_) block->fold(backend);
}

void ResNet::unfold() {
  stem_.unfold();
  for (auto& block : blocks_) block->unfold();
}

Variable ResNet::forward(Context& context, const Variable& images) {
  Variable x = stem_.forward(context, images, Activation::relu);
  x = ops::max_pool(context, x, {3, 2, 1});
  for (auto& block : blocks_) x = block->forward(context, std::move(x));
  return ops::global_average_pool(context, x);
}

}  // namespace tandem
