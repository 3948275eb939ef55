#include "train/optim/optimizer.h"

#include <map>

#include "layers/basic.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"
#include "tests/train/optim/update.h"

namespace tandem {
namespace {

using Values = std::vector<double>;

/// A linear layer, its optimizer and the gradients that it is given.
struct Training {
  std::shared_ptr<Backend> backend = make_reference_backend();
  DType real;
  Linear layer;
  Sgd sgd;

  Training(DType type, std::int64_t in, std::int64_t out, const SgdOptions& options, Sgd::Decay decay)
      : real(type), layer(*backend, type, in, out), sgd(*backend, layer, options, {.decay = decay}) {
    for (const NamedTensor& p : layer.parameters()) upload(*backend, random(p, 1), p.tensor());
  }
  std::vector<float> random(const NamedTensor& p, std::uint64_t seed) {
    const Values v = download(*backend, test::random_tensor(*backend, p.tensor().shape(), DType::f32, seed));
    return {v.begin(), v.end()};
  }
  void update(double lr) { test::update(*backend, sgd, real, lr, 1); }
  NamedTensor parameter(const std::string& name) {
    for (const NamedTensor& p : layer.parameters())
      if (p.name == name) return p;
    fail("no {}", name);
  }
  Values weight(const std::string& name) { return download(*backend, parameter(name).tensor()); }
  Values velocity(const std::string& name) {
    for (const NamedTensor& v : sgd.state())
      if (v.name == "momentum." + name) return download(*backend, v.tensor());
    fail("no velocity of {}", name);
  }
  void set_gradient(const std::string& name, const std::vector<float>& values) {
    const NamedTensor p = parameter(name);
    Tensor gradient = backend->empty(p.tensor().shape(), real);
    upload(*backend, values, gradient);
    p.parameter->slot()->add(*backend, std::move(gradient));
  }
};

TEST_CASE("steps by hand agree") {
  // One weight of 1, gradient 0.5 twice, lr 0.1; the figures are worked out from PyTorch's formula.
  const auto run = [](const SgdOptions& options) {
    Training t(DType::f64, 1, 1, options, Sgd::Decay::matrices);
    upload(*t.backend, {1}, t.parameter("weight").tensor());
    Values w;
    for (int step = 0; step < 2; ++step) {
      t.set_gradient("weight", {0.5F});
      t.update(0.1);
      w.push_back(t.weight("weight")[0]);
    }
    return w;
  };
  const auto check = [](const Values& got, double first, double second) {
    CHECK(got[0] == Approx(first).epsilon(1e-14));
    CHECK(got[1] == Approx(second).epsilon(1e-14));
  };
  check(run({0.0, false, 0.0}), 0.95, 0.90);
  check(run({0.9, false, 0.0}), 0.95, 0.855);
  check(run({0.9, true, 0.0}), 0.905, 0.7695);
  check(run({0.0, false, 0.1}), 0.94, 0.8806);
  check(run({0.9, false, 0.1}), 0.94, 0.8266);
  check(run({0.9, true, 0.1}), 0.886, 0.725566);
}

/// PyTorch's SGD on one tensor, written out.
struct ByHand {
  Values w, v;
  void step(const std::vector<float>& gradient, const SgdOptions& o, double lr, double decay) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double g = static_cast<double>(gradient[i]) + decay * w[i];
      v[i] = o.momentum * v[i] + g;
      w[i] -= lr * (o.nesterov ? g + o.momentum * v[i] : v[i]);
    }
  }
};

void check_against_hand(DType real, const SgdOptions& options, Sgd::Decay decay, double tolerance) {
  Training t(real, 37, 11, options, decay);  // no multiple of a vector's length
  std::map<std::string, ByHand> expected;
  for (const char* name : {"weight", "bias"}) {
    const Values w = t.weight(name);
    expected[name] = {w, Values(w.size(), 0.0)};
  }
  for (const double lr : {0.1, 0.05, 0.2}) {
    for (auto& [name, hand] : expected) {
      const std::vector<float> gradient = t.random(t.parameter(name), static_cast<std::uint64_t>(1000 * lr));
      t.set_gradient(name, gradient);
      hand.step(gradient, options, lr, decay == Sgd::Decay::all || name == "weight" ? options.weight_decay : 0.0);
    }
    t.update(lr);
  }
  for (const auto& [name, hand] : expected) {
    INFO(name);
    CHECK(test::deviation(t.weight(name), hand.w) < tolerance);
    CHECK(test::deviation(t.velocity(name), hand.v) < tolerance);
    CHECK_FALSE(t.parameter(name).parameter->gradient().defined());  // dropped
  }
}

TEST_CASE("updates follow the formula of PyTorch") {
  for (const Sgd::Decay decay : {Sgd::Decay::matrices, Sgd::Decay::all})
    for (const bool nesterov : {false, true})
      for (const double momentum : {0.0, 0.9})
        for (const double weight_decay : {0.0, 0.3}) {
          CAPTURE(nesterov, momentum, weight_decay, decay == Sgd::Decay::all);
          check_against_hand(DType::f64, {momentum, nesterov, weight_decay}, decay, 1e-14);
          check_against_hand(DType::f32, {momentum, nesterov, weight_decay}, decay, 1e-6);
        }
}

/// One parameter of each shape that a network has.
struct Mixed : Module {
  Variable convolution, matrix, vector;
  explicit Mixed(Backend& backend) {
    add_parameter("convolution", convolution, backend, {2, 3, 3, 2}, DType::f64, {});
    add_parameter("matrix", matrix, backend, {2, 3}, DType::f64, {});
    add_parameter("vector", vector, backend, {3}, DType::f64, {});
    for (const NamedTensor& p : parameters()) {
      backend.fill(p.tensor(), 1.0);
      Tensor gradient = backend.empty(p.tensor().shape(), DType::f64);
      backend.fill(gradient, 0.0);
      p.parameter->slot()->add(backend, std::move(gradient));
    }
  }
};

TEST_CASE("weight decay spares biases and batch norms unless it is for all") {
  const auto backend = make_reference_backend();
  for (const Sgd::Decay decay : {Sgd::Decay::matrices, Sgd::Decay::all}) {
    Mixed module(*backend);
    Sgd sgd(*backend, module, {0.9, false, 0.5}, {.decay = decay});
    test::update(*backend, sgd, DType::f64, 0.1, 1);
    CHECK(download(*backend, module.convolution.value())[0] == Approx(0.95));
    CHECK(download(*backend, module.matrix.value())[0] == Approx(0.95));
    CHECK(download(*backend, module.vector.value())[0] == Approx(decay == Sgd::Decay::all ? 0.95 : 1.0));
  }
}

TEST_CASE("a parameter without gradient is untouched") {
  Training t(DType::f32, 5, 3, {0.9, true, 0.1}, Sgd::Decay::all);
  for (const char* name : {"weight", "bias"}) t.set_gradient(name, t.random(t.parameter(name), 2));
  t.update(0.1);
  const Values weight = t.weight("weight"), velocity = t.velocity("weight"), bias = t.weight("bias");
  t.set_gradient("bias", t.random(t.parameter("bias"), 3));
  t.update(0.1);
  CHECK(t.weight("weight") == weight);
  CHECK(t.velocity("weight") == velocity);
  CHECK(t.weight("bias") != bias);
}

TEST_CASE("Adam keeps two moments under PyTorch's names, and corrects for their beginning at zero") {
  const auto backend = make_reference_backend();
  Linear layer(*backend, DType::f64, 1, 1);
  for (const NamedTensor& p : layer.parameters()) backend->fill(p.tensor(), 1.0);
  Adam adam(*backend, layer, {0.9, 0.999, 0, 0, false});
  std::vector<std::string> names;
  for (const NamedTensor& kept : adam.state()) names.push_back(kept.name);
  CHECK(names == std::vector<std::string>{"exp_avg.weight", "exp_avg.bias", "exp_avg_sq.weight", "exp_avg_sq.bias"});
  CHECK(adam.scalars(0.5, 1)[0] == 0.5);
  CHECK(adam.scalars(0.5, 1)[1] == Approx(10));
  CHECK(adam.scalars(0.5, 2)[2] == Approx(1 / (1 - 0.998001)));
  // A gradient that is always the same moves a weight by the learning rate each time.
  for (int step = 1; step <= 3; ++step) {
    for (const NamedTensor& p : layer.parameters()) {
      Tensor gradient = backend->empty(p.tensor().shape(), DType::f64);
      backend->fill(gradient, p.name == "bias" ? -3.0 : 0.5);
      p.parameter->slot()->add(*backend, std::move(gradient));
    }
    CHECK(adam.gradients().size() == 2);
    test::update(*backend, adam, DType::f64, 0.1, step);
    CHECK(adam.gradients().empty());
    CHECK(download(*backend, layer.parameters()[0].tensor())[0] == Approx(1 - 0.1 * step));
    CHECK(download(*backend, layer.parameters()[1].tensor())[0] == Approx(1 + 0.1 * step));
  }
}

TEST_CASE("the optimizer that the options name is made, with their numbers") {
  const auto backend = make_reference_backend();
  const auto updated = [&](const OptimizerOptions& options) {
    Linear layer(*backend, DType::f64, 1, 1);
    for (const NamedTensor& p : layer.parameters()) {
      backend->fill(p.tensor(), 2.0);
      Tensor gradient = backend->empty(p.tensor().shape(), DType::f64);
      backend->fill(gradient, 0.5);
      p.parameter->slot()->add(*backend, std::move(gradient));
    }
    const auto optimizer = make_optimizer(*backend, layer, options);
    test::update(*backend, *optimizer, DType::f64, 0.1, 1);
    return download(*backend, layer.parameters()[0].tensor())[0];
  };
  OptimizerOptions options;
  options.weight_decay = 0.5;
  CHECK(updated(options) == Approx(2 - 0.1 * 1.9 * 1.5));  // gradient 0.5 + 0.5 · 2, Nesterov: 1 + 0.9
  options.type = OptimizerOptions::Type::adam;
  CHECK(updated(options) == Approx(1.9));  // the first update is of the rate's size
  options.type = OptimizerOptions::Type::adamw;
  CHECK(updated(options) == Approx(2 - 0.1 * 0.5 * 2 - 0.1));
}

}  // namespace
}  // namespace tandem
