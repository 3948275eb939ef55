#include "cuda/kernels/optimizer.h"

#include <memory>

#include "tests/kernels/comparison.h"

namespace tandem::test {
namespace {

namespace kernels = cuda::kernels;

constexpr std::uint32_t kCases = 40;
constexpr double kTolerance = 1e-6;

/// A number of tensors and their sizes: many small ones, which take several launches, or a few of several chunks.
std::vector<std::int64_t> draw_sizes(Draws& draws) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(draws.pick({1, 3, 70, 130})));
  for (std::int64_t& size : sizes)
    size = sizes.size() > 10 ? draws.pick({1, 5, 64, 300}) : draws.pick({1, 8191, 8192, 8193, 20000});
  return sizes;
}

/// Numbers for the reference, and the same for the kernels.
struct Twin {
  Tensor reference;
  std::unique_ptr<Array<float>> device;

  Twin(const Reference& backend, const Floats& values, std::int64_t shift)
      : reference(backend.vector(values)), device(std::make_unique<Array<float>>(values, shift)) {}
  void check(const char* what) const {
    check_close(what, device->values(), reference, kTolerance);
    check_intact(*device);
  }
};

Floats magnitudes(Floats values) {
  for (float& value : values) value = std::abs(value);
  return values;
}

/// A parameter with what SGD (velocity) and Adam (first, second) keep of it.
struct Parameter {
  std::int64_t size;
  bool decay;
  Twin weight, gradient, first, second;

  Parameter(const Reference& reference, Draws& draws, std::int64_t n, std::int64_t shift)
      : size(n),
        decay(draws.one_in(2)),
        weight(reference, draws.normals(n), shift),
        gradient(reference, draws.normals(n), shift),
        first(reference, draws.normals(n), shift),
        second(reference, magnitudes(draws.normals(n)), shift) {}
};

std::vector<Parameter> draw_parameters(const Reference& reference, Draws& draws) {
  std::vector<Parameter> parameters;
  for (const std::int64_t size : draw_sizes(draws))
    parameters.emplace_back(reference, draws, size, draws.one_in(4) ? 1 : 0);
  return parameters;
}

/// What an update reads besides: sometimes no norm or an infinite one, sometimes a loss scale.
struct Scalars {
  bool with_norm, infinite, with_scale;
  Twin scalars, norm, scale;

  Scalars(const Reference& reference, Draws& draws)
      : with_norm(draws.one_in(2)),
        infinite(with_norm && draws.one_in(3)),
        with_scale(draws.one_in(2)),
        scalars(reference, {0.05F, 1.7F, 23.F}, 0),
        norm(reference, {infinite ? INFINITY : 1.F}, 0),
        scale(reference, {1024.F, 3.F}, 0) {}
  UpdateInputs of_reference() const {
    return {scalars.reference, with_norm ? norm.reference : Tensor(), with_scale ? scale.reference : Tensor()};
  }
  kernels::UpdateScalars of_device() const {
    return {scalars.device->data(), with_norm ? norm.device->data() : nullptr,
            with_scale ? scale.device->data() : nullptr};
  }
};

TEST_CASE("SGD's updates agree with the reference, and do not happen where the norm is infinite") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    const std::vector<Parameter> parameters = draw_parameters(reference, draws);
    const Scalars scalars(reference, draws);
    const bool nesterov = draws.one_in(2);
    CAPTURE(parameters.size(), nesterov, scalars.with_norm, scalars.infinite, scalars.with_scale);
    constexpr double kMomentum = 0.9, kDecay = 5e-4;
    std::vector<ParameterUpdate> of_reference;
    std::vector<kernels::SgdTensor> of_device;
    for (const Parameter& p : parameters) {
      of_reference.push_back({p.weight.reference, p.gradient.reference, {p.first.reference}, p.decay});
      of_device.push_back(
          {p.weight.device->data(), p.gradient.device->data(), p.first.device->data(), p.size, p.decay ? kDecay : 0});
    }
    reference->optimizer_update(SgdOptions{kMomentum, nesterov, kDecay}, scalars.of_reference(), of_reference);
    kernels::sgd_update(draws.queue(), kMomentum, nesterov, scalars.of_device(), of_device);
    for (const Parameter& p : parameters) {
      CAPTURE(p.size, p.decay);
      p.weight.check("weight");
      p.first.check("velocity");
    }
  });
}

TEST_CASE("Adam's and AdamW's updates agree with the reference, and do not happen where the norm is infinite") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    const std::vector<Parameter> parameters = draw_parameters(reference, draws);
    const Scalars scalars(reference, draws);
    const bool decoupled = draws.one_in(2);
    CAPTURE(parameters.size(), decoupled, scalars.with_norm, scalars.infinite, scalars.with_scale);
    constexpr double kDecay = 1e-2;
    std::vector<ParameterUpdate> of_reference;
    std::vector<kernels::AdamTensor> of_device;
    for (const Parameter& p : parameters) {
      of_reference.push_back(
          {p.weight.reference, p.gradient.reference, {p.first.reference, p.second.reference}, p.decay});
      of_device.push_back({p.weight.device->data(), p.gradient.device->data(), p.first.device->data(),
                           p.second.device->data(), p.size, p.decay ? kDecay : 0});
    }
    reference->optimizer_update(AdamOptions{.weight_decay = kDecay, .decoupled = decoupled}, scalars.of_reference(),
                                of_reference);
    kernels::adam_update(draws.queue(), {.decoupled = decoupled}, scalars.of_device(), of_device);
    for (const Parameter& p : parameters) {
      CAPTURE(p.size, p.decay);
      p.weight.check("weight");
      p.first.check("first");
      p.second.check("second");
    }
  });
}

TEST_CASE("moving averages agree with the reference, and stay where the norm is infinite") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    const std::vector<Parameter> parameters = draw_parameters(reference, draws);
    const bool infinite = draws.one_in(3);
    const float share = draws.one_in(2) ? 1.F : draws.one_in(2) ? 0.7F : 2e-4F;
    CAPTURE(parameters.size(), infinite, share);
    const Twin scalar(reference, {share}, 0), norm(reference, {infinite ? INFINITY : 1.F}, 0);
    std::vector<ParameterUpdate> of_reference;
    std::vector<kernels::AverageTensor> of_device;
    for (const Parameter& p : parameters) {
      of_reference.push_back({p.weight.reference, p.gradient.reference, {}, false});
      of_device.push_back({p.weight.device->data(), p.gradient.device->data(), p.size});
    }
    reference->optimizer_update(AverageOptions{}, {scalar.reference, norm.reference, {}}, of_reference);
    kernels::average_update(draws.queue(), {scalar.device->data(), norm.device->data(), nullptr}, of_device);
    for (const Parameter& p : parameters) {
      CAPTURE(p.size);
      p.weight.check("average");
      p.gradient.check("value");
    }
  });
}

TEST_CASE("the gradients' norm agrees with the reference, and shows what is not finite") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    std::vector<Twin> gradients;
    std::vector<Tensor> of_reference;
    std::vector<kernels::ConstTensor> of_device;
    for (const std::int64_t size : draw_sizes(draws)) {
      gradients.emplace_back(reference, draws.normals(size), draws.one_in(4) ? 1 : 0);
      of_reference.push_back(gradients.back().reference);
      of_device.push_back({gradients.back().device->data(), size});
    }
    CAPTURE(gradients.size());
    const kernels::Queue queue = draws.queue();
    Tensor norm = reference.empty({1});
    reference->gradient_norm(of_reference, norm);
    Array<float> got(1);
    GuardedMemory workspace(kernels::gradient_norm_workspace(of_device));
    kernels::gradient_norm(queue, of_device, got.data(), workspace.address());
    check_close("norm", got.values(), norm, kTolerance);

    gradients[gradients.size() / 2].device->data()[0] = draws.one_in(2) ? NAN : INFINITY;
    kernels::gradient_norm(queue, of_device, got.data(), workspace.address());
    CHECK(!std::isfinite(got.values()[0]));
    check_intact(got, workspace);
  });
}

TEST_CASE("the loss scale grows and falls as the reference's") {
  const Reference reference;
  for (const float norm : {1.F, INFINITY, NAN})
    for (const float scale : {1.F, 2.F, 1024.F})
      for (const float steps : {0.F, 8.F, 9.F}) {
        CAPTURE(norm, scale, steps);
        Tensor expected = reference.vector({scale, steps});
        reference->update_loss_scale({.interval = 10}, reference.vector({norm}), expected);
        Array<float> got(Floats{scale, steps}), device_norm(Floats{norm});
        kernels::update_loss_scale({}, 2, 0.5, 10, device_norm.data(), got.data());
        check_close("loss scale", got.values(), expected, 0);
        check_intact(got);
      }
}

}  // namespace
}  // namespace tandem::test
