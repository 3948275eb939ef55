#include <cmath>
#include <vector>

#include "core/backend/backend.h"
#include "core/base/rng.h"
#include "tests/support/catch.h"
#include "tests/support/worst.h"

namespace tandem {
namespace {

constexpr double kRate = 0.05;

struct Update {
  std::vector<double> weight, velocity;
};

/// The formula, as written in core/backend/kernel_options.h.
Update expected_update(const SgdOptions& o, double lr, bool decay, Update u, const std::vector<double>& gradient) {
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double g = gradient[i] + (decay ? o.weight_decay * u.weight[i] : 0);
    u.velocity[i] = o.momentum * u.velocity[i] + g;
    u.weight[i] -= lr * (o.nesterov ? g + o.momentum * u.velocity[i] : u.velocity[i]);
  }
  return u;
}

template <class T>
std::vector<double> random_numbers(Random& random, std::size_t n) {
  std::vector<double> x(n);
  for (double& value : x) value = static_cast<double>(static_cast<T>(random.normal()));
  return x;
}

template <class T>
Tensor upload(Backend& backend, const std::vector<double>& x) {
  Tensor tensor = backend.empty({static_cast<std::int64_t>(x.size())}, dtype_of<T>);
  const std::vector<T> values(x.begin(), x.end());
  backend.copy_from_host(values.data(), tensor);
  return tensor;
}

template <class T>
void check_updates(Backend& backend, double tolerance) {
  Random random(1, RandomPurpose::test);
  for (const bool nesterov : {false, true})
    for (const double momentum : {0.0, 0.9})
      for (const double weight_decay : {0.0, 0.1}) {
        const SgdOptions options{momentum, nesterov, weight_decay};
        std::vector<ParameterUpdate> parameters;
        std::vector<Update> expected;
        for (const std::size_t n : {1, 15, 16, 17, 40'000}) {  // the last is updated in several pieces
          const bool decay = n % 2 == 0;
          const auto gradient = random_numbers<T>(random, n);
          const Update before{random_numbers<T>(random, n), random_numbers<T>(random, n)};
          expected.push_back(expected_update(options, kRate, decay, before, gradient));
          parameters.push_back({upload<T>(backend, before.weight),
                                upload<T>(backend, gradient),
                                {upload<T>(backend, before.velocity)},
                                decay ? 1.0 : 0.0});
        }
        backend.optimizer_update(options, {upload<T>(backend, {kRate, 1, 1}), {}, {}}, parameters);
        for (std::size_t p = 0; p < parameters.size(); ++p) {
          double worst = 0;
          for (std::size_t i = 0; i < expected[p].weight.size(); ++i) {
            const auto at = [i](const Tensor& x) { return static_cast<double>(x.data<T>()[i]); };
            test::include_worst(worst, std::abs(at(parameters[p].weight) - expected[p].weight[i]));
            test::include_worst(worst, std::abs(at(parameters[p].state[0]) - expected[p].velocity[i]));
          }
          CAPTURE(nesterov, momentum, weight_decay, p);
          CHECK(worst < tolerance);
        }
      }
}

struct Moments {
  std::vector<double> weight, first, second;
};

/// Adam's and AdamW's formula, as PyTorch writes it.
Moments expected_update(const AdamOptions& o, int t, double lr, bool decay, Moments m,
                        const std::vector<double>& gradient) {
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double rate = decay ? o.weight_decay : 0;
    if (o.decoupled) m.weight[i] *= 1 - lr * rate;
    const double g = gradient[i] + (o.decoupled ? 0 : rate * m.weight[i]);
    m.first[i] = o.beta1 * m.first[i] + (1 - o.beta1) * g;
    m.second[i] = o.beta2 * m.second[i] + (1 - o.beta2) * g * g;
    const double denominator = std::sqrt(m.second[i]) / std::sqrt(1 - std::pow(o.beta2, t)) + o.eps;
    m.weight[i] -= lr / (1 - std::pow(o.beta1, t)) * m.first[i] / denominator;
  }
  return m;
}

template <class T>
double worst_difference(const Tensor& got, const std::vector<double>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    test::include_worst(worst, std::abs(static_cast<double>(got.data<T>()[i]) - expected[i]));
  return worst;
}

template <class T>
void check_adam(Backend& backend, double tolerance) {
  Random random(2, RandomPurpose::test);
  for (const bool decoupled : {false, true})
    for (const double weight_decay : {0.0, 0.1})
      for (const std::size_t n : {1, 17, 40'000}) {
        const AdamOptions options{0.9, 0.99, 1e-4, weight_decay, decoupled};
        Moments expected{random_numbers<T>(random, n), std::vector<double>(n), std::vector<double>(n)};
        ParameterUpdate p{upload<T>(backend, expected.weight),
                          {},
                          {upload<T>(backend, expected.first), upload<T>(backend, expected.second)},
                          n != 17 ? 1.0 : 0.0};
        for (int t = 1; t <= 3; ++t) {
          const auto gradient = random_numbers<T>(random, n);
          expected = expected_update(options, t, kRate, p.decay, expected, gradient);
          p.gradient = upload<T>(backend, gradient);
          std::vector<ParameterUpdate> parameters{p};
          backend.optimizer_update(
              options, {upload<T>(backend, {kRate, 1 / (1 - std::pow(0.9, t)), 1 / (1 - std::pow(0.99, t))}), {}, {}},
              parameters);
        }
        CAPTURE(decoupled, weight_decay, n);
        CHECK(worst_difference<T>(p.weight, expected.weight) < tolerance);
        CHECK(worst_difference<T>(p.state[0], expected.first) < tolerance);
        CHECK(worst_difference<T>(p.state[1], expected.second) < tolerance);
      }
}

std::vector<double> values_of(const Tensor& x) { return {x.data<float>(), x.data<float>() + x.size()}; }

/// Updates of two kinds of optimizer with the same inputs: {weight, what is kept} of each.
std::vector<std::vector<double>> updated(Backend& backend, const UpdateInputs& inputs, double gradient) {
  const auto ones = [&](double value) { return upload<float>(backend, std::vector<double>(20, value)); };
  std::vector<ParameterUpdate> sgd{{ones(1), ones(gradient), {ones(0.5)}}};
  std::vector<ParameterUpdate> adam{{ones(1), ones(gradient), {ones(0.25), ones(0.125)}}};
  backend.optimizer_update(SgdOptions{0.9, true, 0.01}, inputs, sgd);
  backend.optimizer_update(AdamOptions{}, inputs, adam);
  return {values_of(sgd[0].weight), values_of(sgd[0].state[0]), values_of(adam[0].weight), values_of(adam[0].state[0]),
          values_of(adam[0].state[1])};
}

}  // namespace

TEST_CASE("Adam follows its formula") {
  const auto reference = make_reference_backend(), cpu = make_cpu_backend();
  check_adam<double>(*reference, 1e-14);
  for (const auto& backend : {reference, cpu})
    check_adam<float>(*backend, 3e-5);  // where the gradients almost cancel, their sign is rounding
}

TEST_CASE(
    "A moving average follows its formula, is exact at a share of 1, and is held back by a norm that is not finite") {
  for (const auto& backend : {make_reference_backend(), make_cpu_backend()}) {
    Random random(4, RandomPurpose::test);
    const auto scalar = [&](double value) { return upload<float>(*backend, {value}); };
    for (const std::size_t n : {1, 17, 40'000})
      for (const double share : {0.0, 1e-4, 0.3, 0.75, 1.0}) {
        CAPTURE(n, share);
        const auto average = random_numbers<float>(random, n), values = random_numbers<float>(random, n);
        std::vector<ParameterUpdate> updates{{upload<float>(*backend, average), upload<float>(*backend, values), {}}};
        backend->optimizer_update(AverageOptions{}, {scalar(share), scalar(HUGE_VAL), {}}, updates);
        CHECK(values_of(updates[0].weight) == average);
        backend->optimizer_update(AverageOptions{}, {scalar(share), {}, {}}, updates);
        const auto got = values_of(updates[0].weight);
        double worst = 0;
        for (std::size_t i = 0; i < n; ++i)
          test::include_worst(worst, std::abs(got[i] - (average[i] + share * (values[i] - average[i]))));
        CHECK(worst < 5e-7);
        if (share == 0.0) CHECK(got == average);
        if (share == 1.0) CHECK(got == values);
        CHECK(values_of(updates[0].gradient) == values);
      }
  }
}

TEST_CASE("Updates are held back by a gradient norm that is not finite, and divide by the loss's scale") {
  for (const auto& backend : {make_reference_backend(), make_cpu_backend()}) {
    const Tensor scalars = upload<float>(*backend, {0.1, 2, 3}), scale = upload<float>(*backend, {1024, 7});
    const auto norm = [&](double value) { return upload<float>(*backend, {value}); };
    const auto plain = updated(*backend, {scalars, {}, {}}, 0.75);
    CHECK(plain[0][0] < 1);
    CHECK(updated(*backend, {scalars, norm(3), {}}, 0.75) == plain);
    CHECK(updated(*backend, {scalars, norm(3), scale}, 0.75 * 1024) == plain);
    const std::vector<double> before{1, 0.5, 1, 0.25, 0.125};
    for (const double bad : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
      const auto held = updated(*backend, {scalars, norm(bad), scale}, bad);
      for (std::size_t i = 0; i < held.size(); ++i) CHECK(held[i] == std::vector<double>(20, before[i]));
    }
  }
}

/// RMSprop (Hinton 2012) as one would add it, from kernels that are there: v = a v + (1 - a) g^2, w = w - lr g /
/// (sqrt(v)
/// + eps), with g = gradient / loss scale, and neither changed where the gradient's norm is not finite.
void rmsprop_update(Backend& backend, const UpdateInputs& inputs, ParameterUpdate& p) {
  const auto make = [&](const Tensor& like) { return backend.empty(like.shape(), like.dtype()); };
  Tensor may = make(inputs.gradient_norm), g = make(p.gradient), step = make(g), root = make(g), v = p.state[0];
  backend.unary(UnaryOp::is_finite, inputs.gradient_norm, may);
  backend.binary(BinaryOp::divide, p.gradient, inputs.loss_scale, g);
  backend.binary(BinaryOp::multiply, g, g, step);
  backend.binary(BinaryOp::subtract, step, v, step);
  backend.affine(1 - 0.99, 0, step, step);
  backend.binary(BinaryOp::gate, may, step, step);
  backend.binary(BinaryOp::add, v, step, v);
  backend.unary(UnaryOp::sqrt, v, root);
  backend.affine(1, 1e-8, root, root);
  backend.binary(BinaryOp::divide, g, root, step);
  backend.binary(BinaryOp::multiply, step, inputs.scalars, step);
  backend.binary(BinaryOp::gate, may, step, step);
  backend.binary(BinaryOp::subtract, p.weight, step, p.weight);
}

TEST_CASE("An optimizer that has no kernel is written with those for arithmetic, and held back as the others are") {
  for (const auto& backend : {make_reference_backend(), make_cpu_backend()}) {
    Random random(5, RandomPurpose::test);
    const auto w = random_numbers<float>(random, 40), g = random_numbers<float>(random, 40);
    const auto one = [&](double value) { return upload<float>(*backend, {value}); };
    ParameterUpdate p{upload<float>(*backend, w),
                      upload<float>(*backend, g),
                      {upload<float>(*backend, std::vector<double>(40, 0.5))}};
    rmsprop_update(*backend, {one(kRate), one(3), one(4)}, p);
    double worst = 0;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double gradient = g[i] / 4, v = 0.99 * 0.5 + (1 - 0.99) * gradient * gradient;
      test::include_worst(worst, std::abs(values_of(p.state[0])[i] - v));
      test::include_worst(worst, std::abs(values_of(p.weight)[i] - (w[i] - kRate * gradient / (std::sqrt(v) + 1e-8))));
    }
    CHECK(worst < 1e-6);
    const auto weight = values_of(p.weight), state = values_of(p.state[0]);
    p.gradient = upload<float>(*backend, std::vector<double>(40, std::nan("")));
    rmsprop_update(*backend, {one(kRate), one(std::nan("")), one(4)}, p);
    CHECK(values_of(p.weight) == weight);
    CHECK(values_of(p.state[0]) == state);
  }
}

/// Weight and what is kept of a parameter after two updates by the rule.
std::vector<std::vector<double>> updated_twice(Backend& backend, const UpdateRule& rule, const GradientClip& clip,
                                               std::size_t n, double loss_scale) {
  Random random(9, RandomPurpose::test);
  std::vector<double> square = random_numbers<float>(random, n);
  for (double& x : square) x = std::abs(x);
  const bool averages_squares_first = std::holds_alternative<RmsPropOptions>(rule);
  ParameterUpdate p{upload<float>(backend, random_numbers<float>(random, n)), {}, {}, 0.5, 0.25};
  p.state[averages_squares_first ? 0 : 1] = upload<float>(backend, square);
  p.state[averages_squares_first ? 1 : 0] = upload<float>(backend, random_numbers<float>(random, n));
  for (int t = 1; t <= 2; ++t) {
    std::vector<double> gradient = random_numbers<float>(random, n);
    for (double& x : gradient) x *= loss_scale;
    p.gradient = upload<float>(backend, gradient);
    Tensor norm = backend.empty({1}, DType::f32);
    backend.gradient_norm({p.gradient}, norm);
    const Tensor scale = loss_scale == 1 ? Tensor() : upload<float>(backend, {loss_scale, 0});
    std::vector<ParameterUpdate> parameters{p};
    backend.optimizer_update(rule, {upload<float>(backend, {0.1, 1.5, 20}), norm, scale, clip}, parameters);
  }
  return {values_of(p.weight), values_of(p.state[0]), values_of(p.state[1])};
}

TEST_CASE("Every rule on the CPU agrees with the reference, clipped or not, on parameters of several pieces too") {
  const auto reference = make_reference_backend(), cpu = make_cpu_backend();
  const std::vector<UpdateRule> rules = {SgdOptions{0.9, true, 0.01},
                                         AdamOptions{.weight_decay = 0.01},
                                         LarsOptions{.momentum = 0.9, .weight_decay = 0.01, .trust = 0.3},
                                         LarsOptions{.nesterov = false, .trust_clip = true, .always_adapt = true},
                                         LambOptions{.weight_decay = 0.01},
                                         LambOptions{.trust_clip = true, .always_adapt = true},
                                         RmsPropOptions{.eps = 1e-3, .momentum = 0.9, .weight_decay = 0.01}};
  for (const UpdateRule& rule : rules)
    for (const std::size_t n : {1, 17, 40'000})
      for (const GradientClip& clip : {GradientClip{}, GradientClip{.norm = 0.5}, GradientClip{.value = 0.3}})
        for (const double loss_scale : {1.0, 1024.0}) {
          CAPTURE(rule.index(), n, clip.norm, clip.value, loss_scale);
          const auto expected = updated_twice(*reference, rule, clip, n, loss_scale);
          const auto got = updated_twice(*cpu, rule, clip, n, loss_scale);
          double worst = 0, moved = 0;
          for (std::size_t k = 0; k < expected.size(); ++k)
            for (std::size_t i = 0; i < n; ++i)
              test::include_worst(worst, std::abs(got[k][i] - expected[k][i]) / (1 + std::abs(expected[k][i])));
          CHECK(worst < 1e-5);
          if (std::isinf(clip.norm) && std::isinf(clip.value)) continue;
          const auto unclipped = updated_twice(*reference, rule, {}, n, loss_scale);
          for (std::size_t i = 0; i < n; ++i) test::include_worst(moved, std::abs(unclipped[0][i] - expected[0][i]));
          // What LARS makes of a gradient does not depend on its norm.
          if (n > 1 && !std::holds_alternative<LarsOptions>(rule)) CHECK(moved > 1e-4);
        }
}

TEST_CASE("The gradient's norm is that of all elements together, and not finite if one is not") {
  for (const auto& backend : {make_reference_backend(), make_cpu_backend()}) {
    Random random(3, RandomPurpose::test);
    std::vector<Tensor> gradients;
    double squares = 0;
    for (const std::size_t n : {1, 17, 40'000}) {
      const auto values = random_numbers<float>(random, n);
      for (const double x : values) squares += x * x;
      gradients.push_back(upload<float>(*backend, values));
    }
    Tensor norm = backend->empty({1}, DType::f32);
    backend->gradient_norm(gradients, norm);
    CHECK(values_of(norm)[0] == Approx(std::sqrt(squares)).epsilon(1e-7));
    // Squares that f32 cannot hold.
    backend->gradient_norm({upload<float>(*backend, {3e30, 4e30})}, norm);
    CHECK(values_of(norm)[0] == Approx(5e30));
    backend->gradient_norm({}, norm);
    CHECK(values_of(norm)[0] == 0);
    for (const double bad : {HUGE_VAL, std::nan("")}) {
      gradients[1].data<float>()[16] = static_cast<float>(bad);
      backend->gradient_norm(gradients, norm);
      CHECK_FALSE(std::isfinite(values_of(norm)[0]));
    }
  }
}

TEST_CASE("The loss's scale grows after enough finite steps, falls after one that is not, and not below 1") {
  const auto backend = make_reference_backend();
  Tensor scale = upload<float>(*backend, {4, 0});
  const auto after = [&](double norm) {
    backend->update_loss_scale({2, 0.5, 3}, upload<float>(*backend, {norm}), scale);
    return values_of(scale);
  };
  using Values = std::vector<double>;
  CHECK(after(1) == Values{4, 1});
  CHECK(after(0) == Values{4, 2});
  CHECK(after(1) == Values{8, 0});
  CHECK(after(1) == Values{8, 1});
  CHECK(after(std::nan("")) == Values{4, 0});
  CHECK(after(HUGE_VAL) == Values{2, 0});
  CHECK(after(HUGE_VAL) == Values{1, 0});
  CHECK(after(HUGE_VAL) == Values{1, 0});
}

TEST_CASE("SGD follows its formula") {
  const auto reference = make_reference_backend(), cpu = make_cpu_backend();
  check_updates<double>(*reference, 1e-14);
  check_updates<float>(*reference, 2e-6);
  check_updates<float>(*cpu, 2e-6);
}

}  // namespace tandem
