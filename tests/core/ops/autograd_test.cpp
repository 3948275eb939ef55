#include "core/autograd/autograd.h"

#include <map>

#include "core/ops/ops.h"
#include "cpu/reference/reference_backend.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

/// The reference backend, counting the gradient kernels it is asked for.
class CountingBackend : public cpu::ReferenceBackend {
 public:
  std::map<std::string, int> calls;

  void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override {
    ++calls["relu_backward"];
    ReferenceBackend::relu_backward(y, dy, dx);
  }
  void conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) override {
    ++calls["conv2d_grad_input"];
    ReferenceBackend::conv2d_grad_input(geometry, dy, w, dx);
  }
  void conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) override {
    ++calls["conv2d_grad_weight"];
    ReferenceBackend::conv2d_grad_weight(geometry, x, dy, dw);
  }
  void linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) override {
    ++calls["linear_grad_input"];
    ReferenceBackend::linear_grad_input(dy, w, dx);
  }
  void linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& db) override {
    ++calls["linear_grad_weight"];
    ReferenceBackend::linear_grad_weight(x, dy, dw, db);
  }
};

using Values = std::vector<float>;

Tensor tensor(Backend& backend, const Shape& shape, const Values& values) {
  Tensor x = backend.empty(shape, DType::f32);
  backend.copy_from_host(values.data(), x);
  return x;
}
Tensor tensor(Backend& backend, const Shape& shape, float value) {
  return tensor(backend, shape, Values(static_cast<std::size_t>(shape.size()), value));
}
Values values_of(const Tensor& x) { return {x.data<float>(), x.data<float>() + x.size()}; }

/// <y, r>: a loss of shape (1) whose gradient at y is r.
Variable project(Context& context, const Variable& y, const Tensor& r) {
  Variable loss = Variable::with_gradient(tensor(context.backend, {1}, 0.0F));
  context.tape->record(loss,
                       [&backend = context.backend, r, slot = y.slot()](const Tensor&) { slot->add(backend, r); });
  return loss;
}

/// The identity; calls `look` when backward passes it.
Variable probe(Context& context, const Variable& x, std::function<void()> look) {
  Variable y = Variable::with_gradient(x.value());
  context.tape->record(y, [&backend = context.backend, look = std::move(look), slot = x.slot()](Tensor dy) {
    look();
    slot->add(backend, std::move(dy));
  });
  return y;
}

}  // namespace

TEST_CASE("Gradients of several uses add up") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .tape = &tape};
  const Variable x = Variable::with_gradient(tensor(backend, {3}, {1, -2, 3}));
  const Variable y = ops::add(context, ops::relu(context, x), ops::add(context, x, x));
  CHECK(values_of(y.value()) == Values{3, -4, 9});
  tape.backward(backend, project(context, y, tensor(backend, {3}, {1, 10, 100})));
  CHECK(values_of(x.gradient()) == Values{3, 20, 300});
}

TEST_CASE("A gradient shared by add with two consumers is not corrupted by accumulation in place") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .tape = &tape};
  const Variable p = Variable::with_gradient(tensor(backend, {2}, {1, 1}));
  const Variable q = Variable::with_gradient(tensor(backend, {2}, {1, 1}));
  // Backward, add hands one tensor to q and to the inner sum, which hands it on to p and to q: q = 2 r, p = r.
  const Variable y = ops::add(context, ops::add(context, p, q), q);
  tape.backward(backend, project(context, y, tensor(backend, {2}, {1, 10})));
  CHECK(values_of(p.gradient()) == Values{1, 10});
  CHECK(values_of(q.gradient()) == Values{2, 20});
}

TEST_CASE("A rule that writes over its gradient leaves one that is shared alone") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .tape = &tape};
  const Variable p = Variable::with_gradient(tensor(backend, {2}, {-1, 1}));
  const Variable q = Variable::with_gradient(tensor(backend, {2}, {1, 1}));
  const Variable y = ops::add(context, ops::relu(context, p), q);
  const Tensor r = tensor(backend, {2}, {1, 10});
  tape.backward(backend, project(context, y, r));
  CHECK(values_of(p.gradient()) == Values{0, 10});
  CHECK(values_of(q.gradient()) == Values{1, 10});
  CHECK(values_of(r) == Values{1, 10});
}

TEST_CASE("Batch norm writes its input gradient over a gradient that nobody else holds only") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .training = true, .tape = &tape};
  const Shape shape{2, 1, 2, 1};
  const Variable x = Variable::with_gradient(tensor(backend, shape, {1, 2, 3, 5}));
  const Variable other = Variable::with_gradient(tensor(backend, shape, 0.0F));
  ops::BatchNormParameters parameters{Variable::with_gradient(tensor(backend, {1}, 1.0F)),
                                      Variable::with_gradient(tensor(backend, {1}, 0.0F)), tensor(backend, {1}, 0.0F),
                                      tensor(backend, {1}, 1.0F)};
  const Variable normal = ops::batch_norm(context, x, parameters, ops::Activation::none);
  const Variable y = ops::add(context, other, normal);
  tape.backward(backend, project(context, y, tensor(backend, shape, {1, 10, 100, 1000})));
  CHECK(values_of(other.gradient()) == Values{1, 10, 100, 1000});
  CHECK(values_of(parameters.beta.gradient()) == Values{1111});
}

TEST_CASE("A gradient of another shape or type than its variable is refused") {
  CountingBackend backend;
  GradientSlot slot({2, 3}, DType::f32);
  CHECK_THROWS_AS(slot.add(backend, backend.empty({3, 2}, DType::f32)), Error);
  CHECK_THROWS_AS(slot.add(backend, backend.empty({6}, DType::f32)), Error);
  CHECK_THROWS_AS(slot.add(backend, backend.empty({2, 3}, DType::f64)), Error);
  CHECK_FALSE(slot.value().defined());
  slot.add(backend, tensor(backend, {2, 3}, 1.0F));
  CHECK_THROWS_AS(slot.add(backend, backend.empty({3, 2}, DType::f32)), Error);
  CHECK(values_of(slot.value()) == Values(6, 1.0F));
}

TEST_CASE("Backward starts from a single number that wants a gradient only") {
  CountingBackend backend;
  Tape tape;
  CHECK_THROWS_AS(tape.backward(backend, Variable::with_gradient(tensor(backend, {2}, 0.0F))), Error);
  CHECK_THROWS_AS(tape.backward(backend, Variable(tensor(backend, {1}, 0.0F))), Error);
}

TEST_CASE("Activations are released as backward passes them") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .tape = &tape};
  constexpr std::int64_t kSize = 1 << 18;
  constexpr std::size_t kBytes = kSize * sizeof(float);
  const Variable x = Variable::with_gradient(tensor(backend, {kSize}, 1.0F));
  std::vector<std::size_t> in_use;
  const auto look = [&] { in_use.push_back(backend.memory().in_use); };
  Variable loss;
  {
    Variable y = x;
    for (int i = 0; i < 5; ++i) y = ops::relu(context, probe(context, y, look));
    loss = project(context, y, tensor(backend, {kSize}, 2.0F));
  }
  CHECK(backend.memory().in_use > 7 * kBytes);  // x, five activations, the projection
  tape.backward(backend, loss);
  REQUIRE(in_use.size() == 5);
  // Each probe comes after one more relu gave its output back; gradients are written over one another.
  for (std::size_t i = 1; i < in_use.size(); ++i) CHECK(in_use[i] + kBytes <= in_use[i - 1]);
  CHECK(tape.size() == 0);
  CHECK(values_of(x.gradient()) == Values(kSize, 2.0F));
  CHECK(backend.memory().in_use < 3 * kBytes);  // x and its gradient
}

TEST_CASE("An identical second step takes no new memory") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .tape = &tape};
  Variable x = Variable::with_gradient(tensor(backend, {1 << 20}, 1.0F));
  const auto step = [&] {
    Variable y = x;
    for (int i = 0; i < 20; ++i) y = ops::add(context, ops::relu(context, y), x);
    const Tensor r = tensor(backend, {1 << 20}, 1.0F);
    tape.backward(backend, project(context, y, r));
    x.slot()->take();
  };
  step();
  const auto first = backend.memory();
  step();
  CHECK(backend.memory().segments == first.segments);
  CHECK(backend.memory().in_use == first.in_use);
  CHECK(backend.memory().peak_in_use == first.peak_in_use);
}

TEST_CASE("Without a tape nothing is recorded") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .tape = &tape};
  const Variable x = Variable::with_gradient(tensor(backend, {1}, 1.0F));
  Context without{.backend = backend};
  CHECK_FALSE(ops::relu(without, x).wants_gradient());
  CHECK_FALSE(ops::add(without, x, x).wants_gradient());
  CHECK_FALSE(ops::rows(without, x, 0, 1).wants_gradient());
  CHECK_FALSE(ops::weighted_sum(without, {x}, tensor(backend, {1}, 1.0F)).wants_gradient());
  CHECK(ops::relu(context, x).wants_gradient());
  CHECK(tape.size() == 1);
}

TEST_CASE("Ops on inputs that want no gradient are not recorded") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .tape = &tape};
  const Variable x(tensor(backend, {1}, 1.0F));
  CHECK_FALSE(ops::relu(context, x).wants_gradient());
  CHECK_FALSE(ops::weighted_sum(context, {x, x}, tensor(backend, {2}, {1, 2})).wants_gradient());
  CHECK(tape.size() == 0);
}

TEST_CASE("Gradients that nobody asked for are not computed") {
  using Calls = std::map<std::string, int>;
  const auto calls = [](bool input_wanted, bool weight_wanted) {
    CountingBackend backend;
    Tape tape;
    Context context{.backend = backend, .tape = &tape};
    const auto variable = [&](const Shape& shape, bool wanted) {
      const Tensor value = tensor(backend, shape, 1.0F);
      return wanted ? Variable::with_gradient(value) : Variable(value);
    };
    const Variable y =
        ops::conv2d(context, variable({1, 3, 3, 2}, input_wanted), variable({4, 3, 3, 2}, weight_wanted), {1, 1});
    tape.backward(backend, project(context, y, tensor(backend, y.shape(), 1.0F)));
    const Variable z = ops::linear(context, variable({2, 3}, input_wanted), variable({4, 3}, weight_wanted),
                                   variable({4}, weight_wanted));
    tape.backward(backend, project(context, z, tensor(backend, z.shape(), 1.0F)));
    return backend.calls;
  };
  CHECK(calls(true, false) == Calls{{"conv2d_grad_input", 1}, {"linear_grad_input", 1}});
  CHECK(calls(false, true) == Calls{{"conv2d_grad_weight", 1}, {"linear_grad_weight", 1}});
}

TEST_CASE("A weighted sum reads its weights when it is differentiated") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .tape = &tape};
  const Variable x = Variable::with_gradient(tensor(backend, {1}, 2.0F));
  Tensor weights = tensor(backend, {2}, {0.5F, 3});
  const Variable loss = ops::weighted_sum(context, {ops::relu(context, x), x}, weights);
  CHECK(values_of(loss.value()) == Values{7});
  backend.copy(tensor(backend, {2}, {1, 10}), weights);
  tape.backward(backend, loss);
  CHECK(values_of(x.gradient()) == Values{11});
}

TEST_CASE("Backward begins with the gradient it is given, and leaves it as it was") {
  CountingBackend backend;
  Tape tape;
  Context context{.backend = backend, .tape = &tape};
  const Variable x = Variable::with_gradient(tensor(backend, {1}, 2.0F));
  const Variable loss = ops::weighted_sum(context, {ops::relu(context, x)}, tensor(backend, {1}, 0.5F));
  const Tensor scale = tensor(backend, {2}, {1024, 5});
  tape.backward(backend, loss, scale.rows(0, 1));
  CHECK(values_of(x.gradient()) == Values{512});
  CHECK(values_of(scale) == Values{1024, 5});
}

}  // namespace tandem
