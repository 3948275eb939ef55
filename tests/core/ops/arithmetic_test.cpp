#include "core/ops/arithmetic.h"

#include <cmath>
#include <functional>

#include "core/ops/ops.h"
#include "core/tensor/broadcast.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using Numbers = std::vector<double>;

struct Arithmetic {
  std::shared_ptr<Backend> backend = make_reference_backend();
  Tape tape;
  Context context{.backend = *backend, .compute = DType::f64, .training = true, .tape = &tape};

  Tensor tensor(const Shape& shape, const Numbers& values) {
    Tensor x = backend->empty(shape, DType::f64);
    backend->copy_from_host(values.data(), x);
    return x;
  }
  Tensor labels(const std::vector<std::int32_t>& values) {
    Tensor x = backend->empty({static_cast<std::int64_t>(values.size())}, DType::i32);
    backend->copy_from_host(values.data(), x);
    return x;
  }
  /// The gradient of the sum of y's elements at x.
  Numbers gradient(const Variable& y, const Variable& x) {
    tape.backward(*backend, ops::sum(context, y, Over::all));
    return values_of(x.gradient());
  }
  static Numbers values_of(const Tensor& x) { return {x.data<double>(), x.data<double>() + x.size()}; }
};

}  // namespace

TEST_CASE("Shapes meet as rows, columns and single numbers, and others do not") {
  using Result = std::optional<Shape>;
  CHECK(broadcast_shape({3, 4}, {3, 4}) == Shape{3, 4});
  CHECK(broadcast_shape({3, 4}, {4}) == Shape{3, 4});
  CHECK(broadcast_shape({1, 4}, {3, 4}) == Shape{3, 4});
  CHECK(broadcast_shape({3, 1}, {3, 4}) == Shape{3, 4});
  CHECK(broadcast_shape({3, 1}, {4}) == Shape{3, 4});
  CHECK(broadcast_shape({1}, {3, 4}) == Shape{3, 4});
  CHECK(broadcast_shape({4}, {1}) == Shape{4});
  CHECK(broadcast_shape({2, 3, 4, 5}, {2, 3, 4, 5}) == Shape{2, 3, 4, 5});
  CHECK(broadcast_shape({3, 4}, {3}) == Result());
  CHECK(broadcast_shape({3, 4}, {4, 3}) == Result());
  CHECK(broadcast_shape({2, 3, 4, 5}, {1}) == Result());
}

TEST_CASE("Arithmetic of known numbers, and gradients summed over what was repeated") {
  Arithmetic on;
  const Variable x = Variable::with_gradient(on.tensor({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Variable row = Variable::with_gradient(on.tensor({3}, {10, 20, 30}));
  const Variable column = Variable::with_gradient(on.tensor({2, 1}, {2, 4}));
  const Variable y = ops::div(on.context, ops::mul(on.context, x, row), column);
  CHECK(Arithmetic::values_of(y.value()) == Numbers{5, 20, 45, 10, 25, 45});
  CHECK(Arithmetic::values_of(ops::sub(on.context, row, x).value()) == Numbers{9, 18, 27, 6, 15, 24});
  CHECK(Arithmetic::values_of(ops::add(on.context, column, row).value()) == Numbers{12, 22, 32, 14, 24, 34});
  CHECK(on.gradient(y, row) == Numbers{0.5 + 1, 1 + 1.25, 1.5 + 1.5});
  CHECK(row.gradient().shape() == Shape{3});
  CHECK(Arithmetic::values_of(column.gradient()) == Numbers{-(5 + 20 + 45) / 2.0, -(10 + 25 + 45) / 4.0});
  CHECK(column.gradient().shape() == Shape{2, 1});
}

TEST_CASE("Sums, means and maxima of known numbers") {
  Arithmetic on;
  const Variable x = Variable::with_gradient(on.tensor({2, 3}, {1, 9, 3, 4, 5, 6}));
  const auto check = [&](const Variable& y, const Shape& shape, const Numbers& values) {
    CHECK(y.shape() == shape);
    CHECK(Arithmetic::values_of(y.value()) == values);
  };
  check(ops::sum(on.context, x, Over::rows), {1, 3}, {5, 14, 9});
  check(ops::sum(on.context, x, Over::columns), {2, 1}, {13, 15});
  check(ops::sum(on.context, x, Over::all), {1}, {28});
  check(ops::mean(on.context, x, Over::rows), {1, 3}, {2.5, 7, 4.5});
  check(ops::mean(on.context, x, Over::columns), {2, 1}, {13.0 / 3, 5});
  check(ops::max(on.context, x, Over::rows), {1, 3}, {4, 9, 6});
  check(ops::max(on.context, x, Over::columns), {2, 1}, {9, 6});
  check(ops::max(on.context, x, Over::all), {1}, {9});
}

TEST_CASE("Elements that are the largest together share the gradient") {
  Arithmetic on;
  const Variable x = Variable::with_gradient(on.tensor({2, 3}, {7, 1, 7, 2, 3, 1}));
  CHECK(on.gradient(ops::max(on.context, x, Over::columns), x) == Numbers{0.5, 0, 0.5, 0, 1, 0});
}

TEST_CASE("The gradient of a square root is guarded where it is 0") {
  Arithmetic on;
  const Variable x = Variable::with_gradient(on.tensor({1, 2}, {0, 4}));
  CHECK(on.gradient(ops::sqrt(on.context, x, 0.5), x) == Numbers{1, 0.2});
  const Variable zero = Variable::with_gradient(on.tensor({2, 2}, {0, 0, 3, 4}));
  const Variable unit = ops::l2_normalise(on.context, zero);
  const Numbers got = Arithmetic::values_of(unit.value());
  CHECK((got[0] == 0 && got[1] == 0 && got[2] == Approx(0.6) && got[3] == Approx(0.8)));
  for (const double g : on.gradient(unit, zero)) CHECK(std::isfinite(g));
}

TEST_CASE("Products and rows of known numbers") {
  Arithmetic on;
  const Variable a = on.tensor({2, 3}, {1, 2, 3, 4, 5, 6}), b = on.tensor({3, 1}, {1, 0, -1});
  CHECK(Arithmetic::values_of(ops::matmul(on.context, a, b).value()) == Numbers{-2, -2});
  CHECK(Arithmetic::values_of(ops::matmul(on.context, a, a, false, true).value()) == Numbers{14, 32, 32, 77});
  CHECK(Arithmetic::values_of(ops::matmul(on.context, b, a, true, true).value()) == Numbers{-2, -2});
  const Variable x = Variable::with_gradient(on.tensor({3, 2}, {1, 2, 3, 4, 5, 6}));
  const Variable rows = ops::gather_rows(on.context, x, on.labels({2, 0, 2}));
  CHECK(Arithmetic::values_of(rows.value()) == Numbers{5, 6, 1, 2, 5, 6});
  CHECK(on.gradient(rows, x) == Numbers{1, 1, 0, 0, 2, 2});
}

TEST_CASE("Labels are compared, each with each where one is a column") {
  Arithmetic on;
  const Tensor labels = on.labels({3, 1, 3});
  CHECK(Arithmetic::values_of(ops::equal(on.context, labels.reshape({3, 1}), labels, DType::f64)) ==
        Numbers{1, 0, 1, 0, 1, 0, 1, 0, 1});
}

TEST_CASE("A gate passes nothing where it is closed, not even what is not a number") {
  Arithmetic on;
  Tensor y = on.backend->empty({4}, DType::f64);
  on.backend->binary(BinaryOp::gate, on.tensor({4}, {1, 0, -1, 0.5}), on.tensor({4}, {2, std::nan(""), HUGE_VAL, -3}),
                     y);
  CHECK(Arithmetic::values_of(y) == Numbers{2, 0, 0, -3});
}

TEST_CASE("Arithmetic refuses shapes and types that do not fit, and says which") {
  Arithmetic on;
  const Variable matrix = on.tensor({2, 3}, Numbers(6, 1)), square = on.tensor({3, 3}, Numbers(9, 1));
  const Variable single = on.backend->empty({2, 3}, DType::f32), image = on.tensor({1, 1, 1, 2}, {1, 2});
  const Variable narrow = on.backend->empty({2, 3}, DType::bf16);
  const Tensor index = on.labels({0, 1});
  const struct {
    const char* op;
    std::function<void()> call;
  } rows[] = {
      {"sub", [&] { ops::sub(on.context, matrix, square); }},
      {"mul", [&] { ops::mul(on.context, matrix, single); }},
      {"mul", [&] { ops::mul(on.context, narrow, narrow); }},
      {"add", [&] { ops::add(on.context, matrix, square); }},
      {"exp", [&] { ops::exp(on.context, narrow); }},
      {"affine", [&] { ops::affine(on.context, narrow, 1, 0); }},
      {"sum", [&] { ops::sum(on.context, image, Over::all); }},
      {"mean", [&] { ops::mean(on.context, image, Over::rows); }},
      {"max", [&] { ops::max(on.context, narrow, Over::rows); }},
      {"matmul", [&] { ops::matmul(on.context, matrix, matrix); }},
      {"matmul", [&] { ops::matmul(on.context, square, matrix); }},
      {"gather_rows", [&] { ops::gather_rows(on.context, matrix, matrix.value()); }},
      {"reshape", [&] { ops::reshape(on.context, matrix, {5}); }},
      {"l2_normalise", [&] { ops::l2_normalise(on.context, image); }},
      {"equal", [&] { ops::equal(on.context, matrix.value(), matrix.value(), DType::f64); }},
      {"equal",
       [&] {
         ops::equal(on.context, index, on.labels({1, 2, 3}), DType::f64);
       }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.op);
    CHECK_THROWS_WITH(row.call(), Catch::Matchers::StartsWith(std::string(row.op) + ":"));
  }
}

}  // namespace tandem
