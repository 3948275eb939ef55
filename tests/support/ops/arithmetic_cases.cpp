#include "tests/support/ops/arithmetic_cases.h"

#include <algorithm>

#include "core/ops/arithmetic.h"
#include "tests/support/ops/op_inputs.h"

namespace tandem::test {
namespace {

Shape random_matrix(Random& random) { return {one_of(random, {2, 3, 8}), one_of(random, {2, 5, 17})}; }

/// Numbers from 0.5 on.
OpInput positive(std::string name, Random& random, const Shape& shape) {
  OpInput input = real(std::move(name), random, shape);
  for (double& x : input.value.values) x = 0.5 + std::abs(x);
  return input;
}

/// Numbers that are apart from each other.
OpInput distinct(std::string name, Random& random, const Shape& shape) {
  const auto order = permutation(static_cast<std::uint32_t>(shape.size()), random);
  return {std::move(name), Role::real, filled(shape, [&](std::size_t i) { return 0.125 * order[i] - 1; })};
}

template <class Op>
OpInstance instance(std::vector<OpInput> inputs, Op op) {
  return {std::move(inputs), 1, [op](Context& context, const Inputs& in) { return OpOutput{op(context, in), {}}; }};
}

using Binary = Variable (*)(Context&, const Variable&, const Variable&);
using Unary = Variable (*)(Context&, const Variable&);
using Reduction = Variable (*)(Context&, const Variable&, Over);

/// The second operand is positive, to be divided by.
OpCase binary_case(const std::string& name, Binary op) {
  return {name, [op](Random& r) {
            const Shape shape = random_matrix(r);
            return instance({real("a", r, shape), positive("b", r, shape)},
                            [op](Context& context, const Inputs& in) { return op(context, in[0], in[1]); });
          }};
}

/// One operand or both repeated.
OpCase repeated_case(const std::string& name, Binary op) {
  return {name + " repeated", [op](Random& r) {
            const Shape shape = random_matrix(r), row{1, shape[1]}, vector{shape[1]}, column{shape[0], 1}, one{1};
            const std::pair<Shape, Shape> pairs[] = {{shape, row},  {vector, shape}, {shape, column}, {one, shape},
                                                     {column, row}, {vector, one},   {column, vector}};
            const auto& [a, b] = pairs[r.below(7)];
            return instance({real("a", r, a), positive("b", r, b)},
                            [op](Context& context, const Inputs& in) { return op(context, in[0], in[1]); });
          }};
}

OpCase unary_case(const std::string& name, Unary op) {
  return {name, [op](Random& r) {
            return instance({positive("x", r, random_matrix(r))},
                            [op](Context& context, const Inputs& in) { return op(context, in[0]); });
          }};
}

OpCase reduction_case(const std::string& name, Reduction op, Over over) {
  return {name, [op, over](Random& r) {
            return instance({distinct("x", r, random_matrix(r))},
                            [op, over](Context& context, const Inputs& in) { return op(context, in[0], over); });
          }};
}

void add_reductions(std::vector<OpCase>& cases) {
  const std::pair<const char*, Over> overs[] = {
      {" over rows", Over::rows}, {" over columns", Over::columns}, {" over all", Over::all}};
  for (const auto& [name, over] : overs) {
    cases.push_back(reduction_case(std::string("sum") + name, ops::sum, over));
    cases.push_back(reduction_case(std::string("mean") + name, ops::mean, over));
    cases.push_back(reduction_case(std::string("max") + name, ops::max, over));
  }
}

OpCase matmul_case(bool transpose_a, bool transpose_b) {
  return {fmt::format("matmul{}{}", transpose_a ? " a'" : "", transpose_b ? " b'" : ""), [=](Random& r) {
            const std::int64_t m = one_of(r, {2, 5}), k = one_of(r, {3, 17}), n = one_of(r, {4, 9});
            const Shape a = transpose_a ? Shape{k, m} : Shape{m, k}, b = transpose_b ? Shape{n, k} : Shape{k, n};
            return instance({real("a", r, a), real("b", r, b)}, [=](Context& context, const Inputs& in) {
              return ops::matmul(context, in[0], in[1], transpose_a, transpose_b);
            });
          }};
}

/// Some rows twice, some not at all.
OpInstance gather_rows(Random& r) {
  const Shape shape = random_matrix(r);
  std::vector<std::int32_t> index = random_labels(r, 6, static_cast<std::uint32_t>(shape[0]));
  index[1] = index[0];
  return instance({real("x", r, shape)}, [index](Context& context, const Inputs& in) {
    return ops::gather_rows(context, in[0], upload_labels(context.backend, index));
  });
}

OpInstance reshape(Random& r) {
  const Shape shape = random_matrix(r);
  return instance({real("x", r, shape)}, [shape](Context& context, const Inputs& in) {
    return ops::exp(context, ops::reshape(context, in[0], {shape.size(), 1}));
  });
}

/// The similarity of each embedding to each of others, as a loss over a batch begins.
OpInstance similarity(Random& r) {
  const Shape shape{one_of(r, {2, 5}), one_of(r, {3, 17})};
  return instance({real("x", r, shape), real("others", r, shape.with_rows(4))}, [](Context& context, const Inputs& in) {
    return ops::matmul(context, ops::l2_normalise(context, in[0]), ops::l2_normalise(context, in[1]), false, true);
  });
}

}  // namespace

std::vector<OpCase> arithmetic_cases() {
  std::vector<OpCase> cases;
  const std::pair<const char*, Binary> binaries[] = {
      {"add", ops::add}, {"sub", ops::sub}, {"mul", ops::mul}, {"div", ops::div}};
  for (const auto& [name, op] : binaries) {
    if (op != Binary{ops::add}) cases.push_back(binary_case(name, op));  // the table has it for activations
    cases.push_back(repeated_case(name, op));
  }
  cases.push_back(unary_case("affine", [](Context& c, const Variable& x) { return ops::affine(c, x, -1.5, 0.25); }));
  cases.push_back(unary_case("exp", ops::exp));
  cases.push_back(unary_case("log", ops::log));
  cases.push_back(unary_case("sqrt", [](Context& c, const Variable& x) { return ops::sqrt(c, x); }));
  cases.push_back(unary_case("l2_normalise", [](Context& c, const Variable& x) { return ops::l2_normalise(c, x); }));
  add_reductions(cases);
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true}) cases.push_back(matmul_case(transpose_a, transpose_b));
  cases.push_back({"gather_rows", gather_rows});
  cases.push_back({"reshape", reshape});
  cases.push_back({"similarity", similarity});
  return cases;
}

}  // namespace tandem::test
