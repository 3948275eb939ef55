#include "cuda/kernels/batch_norm.h"

#include "tests/kernels/comparison.h"

namespace tandem::test {
namespace {

namespace kernels = cuda::kernels;

constexpr std::uint32_t kCases = 120, kLargeCases = 8;
constexpr double kEps = 1e-5, kMomentum = 0.1;

/// What a case is about.
struct Layer {
  std::int64_t groups, images, height, width, channels, shift;
  bool residual, relu, fixed;
  kernels::Queue queue;

  Layer(Draws& draws, bool large)
      : groups(draws.pick({1, 1, 2, 3})),
        images(groups * draws.pick({1, 1, 2})),
        height(large ? draws.pick({113, 250}) : draws.pick({1, 2, 5, 13})),
        width(large ? 57 : draws.pick({1, 3, 17})),
        channels(large ? draws.pick({3, 8, 24})
                       : draws.pick({1, 2, 3, 7, 8, 9, 13, 16, 24, 64, 72, 128, 200, 256, 264, 520})),
        shift(draws.shift()),
        residual(draws.one_in(2)),
        relu(draws.one_in(2)),
        fixed(draws.one_in(3)),
        queue(draws.queue()) {}
  std::int64_t rows() const { return images * height * width; }
  std::int64_t rows_of_group() const { return rows() / groups; }
  std::int64_t size() const { return rows() * channels; }
  std::int64_t mask_bytes() const { return (channels + 7) / 8; }
  Shape shape() const { return {images, height, width, channels}; }
  kernels::BatchNormShape kernel_shape() const { return {rows(), channels, groups}; }
  BatchNormOptions options() const {
    return {.groups = groups, .eps = kEps, .momentum = kMomentum, .relu = relu, .fixed_statistics = fixed};
  }
};

struct Inputs {
  float spread;  // of the channels' means: cancellation, where a sum is not taken about a shift
  Floats x, residual, gamma, beta, running_mean, running_var, dy;

  Inputs(Draws& draws, const Layer& layer, Element element)
      : spread(static_cast<float>(draws.pick({0, 3, 30}))),
        x(draws.normals(layer.size(), element)),
        residual(draws.normals(layer.size(), element)),
        gamma(draws.normals(layer.channels, Element::f32, 1, 0.3F)),
        beta(draws.normals(layer.channels)),
        running_mean(draws.normals(layer.channels)),
        running_var(draws.normals(layer.channels, Element::f32, 4, 0.5F)),
        dy(draws.normals(layer.size(), element)) {
    const auto channels = static_cast<std::size_t>(layer.channels);
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] = rounded(element, x[i] + spread * (static_cast<float>(i % channels % 5) - 2));
  }
};

/// What the reference makes of them.
struct Expected {
  Tensor y, running_mean, running_var, eval_y;
  BatchNormSaved saved;
  Tensor dx, dresidual, dgamma, dbeta;

  Expected(const Reference& reference, const Layer& layer, const Inputs& in)
      : y(reference.empty(layer.shape())),
        running_mean(reference.vector(in.running_mean)),
        running_var(reference.vector(in.running_var)),
        eval_y(reference.empty(layer.shape())),
        saved{reference.empty({layer.groups, layer.channels}), reference.empty({layer.groups, layer.channels}),
              layer.relu ? reference.empty({layer.rows(), layer.mask_bytes()}, DType::u8) : Tensor()},
        dx(reference.empty(layer.shape())),
        dresidual(layer.residual ? reference.empty(layer.shape()) : Tensor()),
        dgamma(reference.empty({layer.channels})),
        dbeta(reference.empty({layer.channels})) {
    const BatchNormOptions options = layer.options();
    const Tensor x = reference.tensor(layer.shape(), in.x), dy = reference.tensor(layer.shape(), in.dy);
    const Tensor residual = layer.residual ? reference.tensor(layer.shape(), in.residual) : Tensor();
    const Tensor gamma = reference.vector(in.gamma), beta = reference.vector(in.beta);
    reference->batch_norm_forward_eval(options, x, residual, gamma, beta, running_mean, running_var, eval_y);
    reference->batch_norm_forward_train(options, x, residual, gamma, beta, running_mean, running_var, y, saved);
    reference->batch_norm_backward(options, dy, x, gamma, saved, dx, dresidual, dgamma, dbeta);
  }
};

/// Bits may differ where the value is all but zero, and so may that element of y; bits behind the last channel are 0.
std::int64_t count_wrong_bits(const Layer& layer, const std::vector<std::uint8_t>& mask, const Floats& got_y,
                              const Floats& expected_y) {
  std::int64_t wrong = 0;
  for (std::int64_t row = 0; row < layer.rows(); ++row)
    for (std::int64_t c = 0; c < layer.mask_bytes() * 8; ++c) {
      const bool exists = c < layer.channels;
      const bool bit = (mask[static_cast<std::size_t>(row * layer.mask_bytes() + c / 8)] >> (c % 8) & 1U) != 0;
      const auto i = static_cast<std::size_t>(row * layer.channels + c);
      const float got = exists ? got_y[i] : 0, expected = exists ? expected_y[i] : 0;
      const bool all_but_zero = exists && std::abs(got) <= 1e-3F && expected <= 1e-3F;
      if (bit != (expected > 0) && !all_but_zero) ++wrong;
    }
  return wrong;
}

void compare_training(Draws& draws, const Layer& layer, Element element, const Inputs& in, const Expected& expected) {
  const bool in_place = layer.residual && draws.one_in(2);
  CAPTURE(in_place);
  Activations x(element, in.x, layer.shift), residual(element, in.residual, layer.shift),
      elsewhere(element, layer.size(), layer.shift);
  Activations& y = in_place ? residual : elsewhere;
  Array<float> gamma(in.gamma), beta(in.beta), running_mean(in.running_mean), running_var(in.running_var);
  Array<float> mean(layer.groups * layer.channels), inv_std(layer.groups * layer.channels);
  Array<std::uint8_t> mask(layer.rows() * layer.mask_bytes());
  GuardedMemory workspace(kernels::batch_norm_workspace(layer.queue, layer.kernel_shape()));
  kernels::batch_norm_forward_train(layer.queue, element, layer.kernel_shape(), kEps, kMomentum,
                                    {.x = x.address(),
                                     .residual = layer.residual ? residual.address() : nullptr,
                                     .gamma = gamma.data(),
                                     .beta = beta.data(),
                                     .running_mean = running_mean.data(),
                                     .running_var = running_var.data(),
                                     .y = y.address(),
                                     .mean = mean.data(),
                                     .inv_std = inv_std.data(),
                                     .mask = layer.relu ? mask.data() : nullptr,
                                     .fixed_statistics = layer.fixed},
                                    workspace.address());
  check_close("y", y.values(), expected.y, std::max(tolerance(element), in.spread > 0 ? 1e-5 : 0));
  check_close("mean", mean.values(), expected.saved.mean, 1e-5);
  // Of one row the variance is 0, and 1 / sqrt(0 + eps) shows its last bits.
  check_close("inv_std", inv_std.values(), expected.saved.inv_std, layer.rows_of_group() > 1 ? 3e-6 : 1e-4);
  check_close("running_mean", running_mean.values(), expected.running_mean, 1e-6);
  check_close("running_var", running_var.values(), expected.running_var, 2e-6);
  if (layer.relu) CHECK(count_wrong_bits(layer, mask.values(), y.values(), floats(expected.y)) == 0);
  check_intact(x, residual, elsewhere, running_mean, running_var, mean, inv_std, mask, workspace);
}

void compare_evaluation(const Layer& layer, Element element, const Inputs& in, const Expected& expected) {
  const Activations x(element, in.x, layer.shift), residual(element, in.residual, layer.shift);
  Activations y(element, layer.size(), layer.shift);
  Array<float> gamma(in.gamma), beta(in.beta), running_mean(in.running_mean), running_var(in.running_var);
  kernels::batch_norm_forward_eval(layer.queue, element, layer.rows(), layer.channels, kEps, layer.relu, x.address(),
                                   layer.residual ? residual.address() : nullptr, gamma.data(), beta.data(),
                                   running_mean.data(), running_var.data(), y.address());
  check_close("y with running statistics", y.values(), expected.eval_y, tolerance(element));
  check_intact(y);
}

/// From the reference's statistics, so that the forward pass's rounding does not count twice.
void compare_gradients(Draws& draws, const Layer& layer, Element element, const Inputs& in, const Expected& expected) {
  const bool in_place = draws.one_in(3);
  CAPTURE(in_place);
  Activations dy(element, in.dy, layer.shift), other_dx(element, layer.size(), layer.shift),
      other_dresidual(element, layer.size(), layer.shift);
  const Activations x(element, in.x, layer.shift);
  Activations& dx = in_place && !layer.residual ? dy : other_dx;
  Activations& dresidual = in_place && layer.residual ? dy : other_dresidual;
  Array<float> gamma(in.gamma), mean(floats(expected.saved.mean)), inv_std(floats(expected.saved.inv_std)),
      dgamma(layer.channels), dbeta(layer.channels);
  Array<std::uint8_t> mask(layer.relu ? bytes(expected.saved.mask) : std::vector<std::uint8_t>(1));
  GuardedMemory workspace(kernels::batch_norm_workspace(layer.queue, layer.kernel_shape()));
  kernels::batch_norm_backward(layer.queue, element, layer.kernel_shape(),
                               {.dy = dy.address(),
                                .x = x.address(),
                                .gamma = gamma.data(),
                                .mean = mean.data(),
                                .inv_std = inv_std.data(),
                                .mask = layer.relu ? mask.data() : nullptr,
                                .dx = dx.address(),
                                .dresidual = layer.residual ? dresidual.address() : nullptr,
                                .dgamma = dgamma.data(),
                                .dbeta = dbeta.data(),
                                .fixed_statistics = layer.fixed},
                               workspace.address());
  // Of few rows, dx is the small rest of large terms; of one or two, it is nothing but their rounding.
  const bool few_rows = layer.rows_of_group() < 4;
  const Floats got_dx = dx.values();
  if (layer.rows_of_group() > 2)
    check_close("dx", got_dx, expected.dx, std::max(tolerance(element), few_rows ? 1e-3 : 1e-5));
  else
    CHECK(std::none_of(got_dx.begin(), got_dx.end(), [](float value) { return std::isnan(value); }));
  if (layer.residual) check_close("dresidual", dresidual.values(), expected.dresidual, 0);
  check_close("dgamma", dgamma.values(), expected.dgamma, few_rows ? 1e-3 : 1e-5);
  check_close("dbeta", dbeta.values(), expected.dbeta, 1e-5);
  check_intact(dy, other_dx, other_dresidual, dgamma, dbeta, workspace);
}

void compare(const Reference& reference, Draws& draws, Element element, bool large) {
  const Layer layer(draws, large);
  const Inputs in(draws, layer, element);
  CAPTURE(layer.groups, layer.rows(), layer.channels, layer.shift, layer.residual, layer.relu, layer.fixed, in.spread,
          layer.queue.multiprocessors);
  const Expected expected(reference, layer, in);
  compare_training(draws, layer, element, in, expected);
  compare_evaluation(layer, element, in, expected);
  compare_gradients(draws, layer, element, in, expected);
}

TEST_CASE("batch norm agrees with the reference in training, evaluation and gradients") {
  const Reference reference;
  for_random_cases_of_each_type(kCases,
                                [&](Draws& draws, Element element) { compare(reference, draws, element, false); });
}

TEST_CASE("batch norm agrees with the reference over so many rows that each block takes several pieces") {
  const Reference reference;
  for (const Element element : {Element::f32, Element::bf16}) {
    INFO(name_of(element));
    for_random_cases(
        kLargeCases, [&](Draws& draws) { compare(reference, draws, element, true); },
        static_cast<std::uint32_t>(element));
  }
}

}  // namespace
}  // namespace tandem::test
