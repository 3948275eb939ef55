#include "cuda/kernels/optimizer.h"

#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <variant>

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

/// A parameter with what rules keep of it: averages of gradients, and of their squares.
struct Parameter {
  std::int64_t size;
  double decay, lr;
  Twin weight, gradient, average, square;

  Parameter(const Reference& reference, Draws& draws, std::int64_t n, std::int64_t shift)
      : size(n),
        decay(draws.one_in(2)   ? 0
              : draws.one_in(2) ? 1
                                : 0.5),
        lr(draws.one_in(2) ? 1 : 0.25),
        weight(reference, draws.normals(n), shift),
        gradient(reference, draws.normals(n), shift),
        average(reference, draws.normals(n), shift),
        square(reference, magnitudes(draws.normals(n)), shift) {}
};

std::vector<Parameter> draw_parameters(const Reference& reference, Draws& draws) {
  std::vector<Parameter> parameters;
  for (const std::int64_t size : draw_sizes(draws))
    parameters.emplace_back(reference, draws, size, draws.one_in(4) ? 1 : 0);
  return parameters;
}

/// What an update reads besides: sometimes no norm or an infinite one, sometimes a loss scale, sometimes a clip.
struct Scalars {
  bool with_norm, infinite, with_scale;
  GradientClip clip;
  Twin scalars, norm, scale;

  Scalars(const Reference& reference, Draws& draws)
      : with_norm(draws.one_in(2)),
        infinite(with_norm && draws.one_in(3)),
        with_scale(draws.one_in(2)),
        scalars(reference, {0.05F, 1.7F, 23.F}, 0),
        norm(reference, {infinite ? INFINITY : 2000.F}, 0),
        scale(reference, {1024.F, 3.F}, 0) {
    if (with_norm && draws.one_in(2)) clip.norm = static_cast<double>(draws.pick({1, 10'000}));
    if (draws.one_in(3)) clip.value = 0.25;
  }
  UpdateInputs of_reference() const {
    return {scalars.reference, with_norm ? norm.reference : Tensor(), with_scale ? scale.reference : Tensor(), clip};
  }
  kernels::UpdateScalars of_device() const {
    return {scalars.device->data(),
            with_norm ? norm.device->data() : nullptr,
            with_scale ? scale.device->data() : nullptr,
            static_cast<float>(clip.norm),
            static_cast<float>(clip.eps),
            static_cast<float>(clip.value)};
  }
};

/// Updates by a rule of the reference, and by a call of the kernels.
struct Case {
  using Kernels = std::function<void(const kernels::UpdateScalars&, std::span<const kernels::UpdateTensor>)>;
  UpdateRule rule;
  Kernels update;
  std::vector<Twin Parameter::*> kept;  ///< state 0 and 1
};

void check_updates(const std::function<Case(Draws&)>& draw_case) {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    const std::vector<Parameter> parameters = draw_parameters(reference, draws);
    const Scalars scalars(reference, draws);
    const Case that = draw_case(draws);
    CAPTURE(parameters.size(), scalars.with_norm, scalars.infinite, scalars.with_scale, scalars.clip.norm,
            scalars.clip.value);
    std::vector<ParameterUpdate> of_reference;
    std::vector<kernels::UpdateTensor> of_device;
    const double weight_decay = weight_decay_of(that.rule);
    for (const Parameter& p : parameters) {
      const Twin *first = &(p.*that.kept[0]), *second = that.kept.size() > 1 ? &(p.*that.kept[1]) : nullptr;
      of_reference.push_back({p.weight.reference,
                              p.gradient.reference,
                              {first->reference, second ? second->reference : Tensor()},
                              p.decay,
                              p.lr});
      of_device.push_back({p.weight.device->data(), p.gradient.device->data(), first->device->data(),
                           second ? second->device->data() : nullptr, p.size,
                           static_cast<float>(weight_decay * p.decay), static_cast<float>(p.lr)});
    }
    reference->optimizer_update(that.rule, scalars.of_reference(), of_reference);
    that.update(scalars.of_device(), of_device);
    for (const Parameter& p : parameters) {
      CAPTURE(p.size, p.decay, p.lr);
      p.weight.check("weight");
      for (const auto kept : that.kept) (p.*kept).check("kept");
    }
  });
}

TEST_CASE("SGD's updates agree with the reference, and do not happen where the norm is infinite") {
  check_updates([](Draws& draws) -> Case {
    const bool nesterov = draws.one_in(2);
    return {SgdOptions{0.9, nesterov, 5e-4},
            [=, queue = draws.queue()](const auto& scalars, auto tensors) {
              kernels::sgd_update(queue, 0.9, nesterov, scalars, tensors);
            },
            {&Parameter::average}};
  });
}

TEST_CASE("Adam's and AdamW's updates agree with the reference, and do not happen where the norm is infinite") {
  check_updates([](Draws& draws) -> Case {
    const bool decoupled = draws.one_in(2);
    return {AdamOptions{.weight_decay = 1e-2, .decoupled = decoupled},
            [=, queue = draws.queue()](const auto& scalars, auto tensors) {
              kernels::adam_update(queue, {.decoupled = decoupled}, scalars, tensors);
            },
            {&Parameter::average, &Parameter::square}};
  });
}

TEST_CASE("RMSprop's updates agree with the reference, and do not happen where the norm is infinite") {
  check_updates([](Draws& draws) -> Case {
    return {RmsPropOptions{.alpha = 0.95, .eps = 1e-3, .momentum = 0.8, .weight_decay = 1e-2},
            [queue = draws.queue()](const auto& scalars, auto tensors) {
              kernels::rmsprop_update(queue, {.alpha = 0.95, .eps = 1e-3, .momentum = 0.8}, scalars, tensors);
            },
            {&Parameter::square, &Parameter::average}};
  });
}

TEST_CASE("LARS's updates agree with the reference, and do not happen where the norm is infinite") {
  check_updates([](Draws& draws) -> Case {
    const bool nesterov = draws.one_in(2), clip = draws.one_in(2), always = draws.one_in(2);
    const double trust = draws.one_in(2) ? 0.001 : 0.2;
    return {LarsOptions{0.9, nesterov, 1e-2, trust, 1e-8, clip, always},
            [=, queue = draws.queue()](const auto& scalars, auto tensors) {
              GuardedMemory workspace(kernels::trust_workspace(tensors));
              kernels::lars_update(queue, {0.9, nesterov, trust, 1e-8, clip, always}, scalars, tensors,
                                   workspace.address());
              check_intact(workspace);
            },
            {&Parameter::average}};
  });
}

TEST_CASE("LAMB's updates agree with the reference, and do not happen where the norm is infinite") {
  check_updates([](Draws& draws) -> Case {
    const bool clip = draws.one_in(2), always = draws.one_in(2);
    return {LambOptions{.weight_decay = 1e-2, .trust_clip = clip, .always_adapt = always},
            [=, queue = draws.queue()](const auto& scalars, auto tensors) {
              GuardedMemory workspace(kernels::trust_workspace(tensors));
              kernels::lamb_update(queue, {.trust_clip = clip, .always_adapt = always}, scalars, tensors,
                                   workspace.address());
              check_intact(workspace);
            },
            {&Parameter::average, &Parameter::square}};
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
      of_reference.push_back({p.weight.reference, p.gradient.reference, {}, 0});
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
