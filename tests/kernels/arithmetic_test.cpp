#include "cuda/kernels/arithmetic.h"

#include "core/tensor/broadcast.h"
#include "tests/kernels/comparison.h"

namespace tandem::test {
namespace {

namespace kernels = cuda::kernels;

constexpr std::uint32_t kCases = 60;
constexpr double kTolerance = 1e-6;

std::int64_t draw_length(Draws& draws) { return draws.pick({1, 2, 7, 8, 33, 256, 300}); }

/// One with zeros, equals, an infinity and a NaN among its numbers.
Floats draw_numbers(Draws& draws, std::int64_t n) {
  Floats values = draws.normals(n);
  for (float& value : values)
    if (draws.one_in(4)) value = static_cast<float>(draws.pick({-1, 0, 0, 1}));
  if (draws.one_in(3)) values.front() = draws.one_in(2) ? NAN : INFINITY;
  return values;
}

kernels::PairShape pair_shape(const Shape& a, const Shape& b) {
  const Broadcast at(a, b);
  return {at.rows, at.columns, at.a.row, at.a.column, at.b.row, at.b.column};
}

TEST_CASE("functions of one number agree with the reference, in place") {
  const Reference reference;
  const std::pair<UnaryOp, kernels::Unary> ops[] = {{UnaryOp::exp, kernels::Unary::exp},
                                                    {UnaryOp::log, kernels::Unary::log},
                                                    {UnaryOp::sqrt, kernels::Unary::sqrt},
                                                    {UnaryOp::is_finite, kernels::Unary::is_finite}};
  for_random_cases(kCases, [&](Draws& draws) {
    const std::int64_t n = draws.pick({1, 255, 257, 5000});
    const kernels::Queue queue = draws.queue();
    const Floats values = draw_numbers(draws, n);
    Tensor expected = reference.empty({n});
    for (const auto& [op, kernel] : ops) {
      CAPTURE(n, static_cast<int>(op));
      Array<float> x(values);
      reference->unary(op, reference.vector(values), expected);
      kernels::unary(queue, kernel, x.data(), n, x.data());
      check_close("unary", x.values(), expected, kTolerance);
      check_intact(x);
    }
    Array<float> x(values);
    reference->affine(-1.5, 0.75, reference.vector(values), expected);
    kernels::affine(queue, -1.5F, 0.75F, x.data(), n, x.data());
    check_close("affine", x.values(), expected, kTolerance);
    check_intact(x);
  });
}

TEST_CASE("functions of two numbers agree with the reference, rows and columns repeated") {
  const Reference reference;
  const std::pair<BinaryOp, kernels::Binary> ops[] = {
      {BinaryOp::add, kernels::Binary::add},           {BinaryOp::subtract, kernels::Binary::subtract},
      {BinaryOp::multiply, kernels::Binary::multiply}, {BinaryOp::divide, kernels::Binary::divide},
      {BinaryOp::equal, kernels::Binary::equal},       {BinaryOp::gate, kernels::Binary::gate}};
  for_random_cases(kCases, [&](Draws& draws) {
    const std::int64_t r = draw_length(draws), c = draw_length(draws);
    const Shape shapes[] = {{r, c}, {r, 1}, {1, c}, {c}, {1}};
    const Shape shape_a = shapes[draws.below(5)], shape_b = shapes[draws.below(5)];
    const Shape shape_y = broadcast_shape(shape_a, shape_b).value();
    const kernels::Queue queue = draws.queue();
    const Floats a = draw_numbers(draws, shape_a.size()), b = draw_numbers(draws, shape_b.size());
    Array<float> device_a(a), device_b(b);
    for (const auto& [op, kernel] : ops) {
      CAPTURE(shape_a, shape_b, static_cast<int>(op));
      Tensor expected = reference.empty(shape_y);
      reference->binary(op, reference.tensor(shape_a, a), reference.tensor(shape_b, b), expected);
      Array<float> y(shape_y.size());
      kernels::binary(queue, kernel, pair_shape(shape_a, shape_b), device_a.data(), device_b.data(), y.data());
      check_close("binary", y.values(), expected, kTolerance);
      check_intact(y);
    }
    std::vector<std::int32_t> labels(static_cast<std::size_t>(r));
    for (std::int32_t& label : labels) label = static_cast<std::int32_t>(draws.below(3));
    Tensor same = reference.empty({r, r});
    const Tensor column = reference.labels(labels).reshape({r, 1});
    reference->binary(BinaryOp::equal, column, reference.labels(labels), same);
    Array<std::int32_t> device_labels(labels);
    Array<float> y(r * r);
    kernels::equal_labels(queue, pair_shape({r, 1}, {r}), device_labels.data(), device_labels.data(), y.data());
    check_close("equal labels", y.values(), same, 0);
    check_intact(y);
  });
}

TEST_CASE("sums and maxima of rows, columns and all agree with the reference") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    const std::int64_t r = draw_length(draws), c = draw_length(draws);
    const kernels::Queue queue = draws.queue();
    Floats values = draws.normals(r * c);
    if (draws.one_in(3)) values[static_cast<std::size_t>(draws.below(r * c))] = NAN;
    Array<float> x(values);
    const Tensor matrix = reference.tensor({r, c}, values);
    for (const bool largest : {false, true}) {
      CAPTURE(r, c, largest);
      const ReduceOp op = largest ? ReduceOp::max : ReduceOp::sum;
      Tensor of_columns = reference.empty({1, c}), of_rows = reference.empty({r, 1}), of_all = reference.empty({1});
      reference->reduce(op, Over::rows, matrix, of_columns);
      reference->reduce(op, Over::columns, matrix, of_rows);
      reference->reduce(op, Over::all, matrix, of_all);
      Array<float> columns(c), rows(r), all(1);
      kernels::reduce_rows(queue, largest, x.data(), r, c, columns.data());
      kernels::reduce_columns(queue, largest, x.data(), r, c, rows.data());
      kernels::reduce_columns(queue, largest, x.data(), 1, r * c, all.data());
      check_close("over rows", columns.values(), of_columns, kTolerance);
      check_close("over columns", rows.values(), of_rows, kTolerance);
      check_close("over all", all.values(), of_all, kTolerance);
      check_intact(columns, rows, all);
    }
  });
}

TEST_CASE("rows are gathered, and added where they came from, as by the reference") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    const std::int64_t r = draws.pick({1, 3, 40}), n = draws.pick({1, 5, 70}), c = draw_length(draws);
    CAPTURE(r, n, c);
    const kernels::Queue queue = draws.queue();
    std::vector<std::int32_t> index(static_cast<std::size_t>(n));
    for (std::int32_t& i : index) i = static_cast<std::int32_t>(draws.below(r));
    const Floats x = draws.normals(r * c), dy = draws.normals(n * c);
    Tensor gathered = reference.empty({n, c}), added = reference.empty({r, c});
    reference->gather_rows(reference.tensor({r, c}, x), reference.labels(index), gathered);
    reference->scatter_add_rows(reference.tensor({n, c}, dy), reference.labels(index), added);
    Array<float> device_x(x), device_dy(dy), y(n * c), dx(r * c);
    Array<std::int32_t> device_index(index);
    kernels::gather_rows(queue, device_x.data(), device_index.data(), n, c, y.data());
    kernels::scatter_add_rows(queue, device_dy.data(), device_index.data(), n, r, c, dx.data());
    check_close("gather_rows", y.values(), gathered, 0);
    check_close("scatter_add_rows", dx.values(), added, 0);
    check_intact(y, dx);
  });
}

}  // namespace
}  // namespace tandem::test
