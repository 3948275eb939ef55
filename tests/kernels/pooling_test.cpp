#include "cuda/kernels/pooling.h"

#include "tests/kernels/comparison.h"

namespace tandem::test {
namespace {

namespace kernels = cuda::kernels;

constexpr std::uint32_t kCases = 150;

/// Ties, NaN and infinities: where the choice of the maximum is not plain.
void make_awkward(Draws& draws, Floats& x) {
  const auto any = [&]() -> float& {
    return x[static_cast<std::size_t>(draws.below(static_cast<std::int64_t>(x.size())))];
  };
  if (draws.one_in(2))
    for (float& value : x) value = std::round(value);
  if (draws.one_in(4)) {
    any() = NAN;
    any() = -INFINITY;
  }
  if (draws.one_in(8)) std::fill(x.begin(), x.end(), -INFINITY);
}

Pool2dGeometry draw_geometry(Draws& draws) {
  constexpr Pool2dGeometry kGeometries[] = {{2, 2, 0}, {3, 2, 1}, {3, 1, 1},      {2, 3, 0},
                                            {5, 2, 2}, {1, 2, 0}, {3, 2, 0, true}};
  return kGeometries[draws.below(std::size(kGeometries))];
}

TEST_CASE("max pooling agrees with the reference, with ties, NaN and infinities") {
  const Reference reference;
  for_random_cases_of_each_type(kCases, [&](Draws& draws, Element element) {
    const std::int64_t n = draws.pick({1, 2, 3}), h = draws.pick({2, 5, 8, 15}), w = draws.pick({3, 6, 9}),
                       c = draws.pick({1, 3, 8, 13, 16, 64, 72}), shift = draws.shift();
    const Pool2dGeometry geometry = draw_geometry(draws);
    const std::int64_t p = geometry.output(h), q = geometry.output(w);
    if (p < 1 || q < 1) return;
    CAPTURE(n, h, w, c, shift, geometry.window, geometry.stride, geometry.padding);
    Floats x = draws.normals(n * h * w * c, element);
    const Floats dy = draws.normals(n * p * q * c, element);
    make_awkward(draws, x);
    Tensor y = reference.empty({n, p, q, c}), argmax = reference.empty({n, p, q, c}, DType::u8),
           dx = reference.empty({n, h, w, c});
    reference->max_pool_forward(geometry, reference.tensor({n, h, w, c}, x), y, argmax);
    reference->max_pool_backward(geometry, reference.tensor({n, p, q, c}, dy), argmax, dx);

    const kernels::Queue queue = draws.queue();
    const kernels::MaxPoolShape shape{n,
                                      h,
                                      w,
                                      c,
                                      p,
                                      q,
                                      static_cast<int>(geometry.window),
                                      static_cast<int>(geometry.stride),
                                      static_cast<int>(geometry.padding)};
    const Activations device_x(element, x, shift), device_dy(element, dy, shift);
    Activations got_y(element, n * p * q * c, shift), got_dx(element, n * h * w * c, shift);
    Array<std::uint8_t> got_argmax(n * p * q * c, shift);
    kernels::max_pool_forward(queue, element, shape, device_x.address(), got_y.address(), got_argmax.data());
    kernels::max_pool_backward(queue, element, shape, device_dy.address(), got_argmax.data(), got_dx.address());
    check_close("max_pool_forward", got_y.values(), y, 0);
    CHECK(got_argmax.values() == bytes(argmax));
    check_close("max_pool_backward", got_dx.values(), dx, tolerance(element));
    check_intact(got_y, got_argmax, got_dx);
  });
}

TEST_CASE("means of squares agree with the reference, also where the border cuts them") {
  const Reference reference;
  for_random_cases_of_each_type(kCases, [&](Draws& draws, Element element) {
    const std::int64_t n = draws.pick({1, 2, 3}), h = draws.pick({1, 2, 5, 8}), w = draws.pick({1, 3, 6, 9}),
                       c = draws.pick({1, 3, 8, 13, 64, 264}), side = draws.pick({1, 2, 3}), shift = draws.shift();
    CAPTURE(n, h, w, c, side, shift);
    const Shape in{n, h, w, c}, out{n, (h + side - 1) / side, (w + side - 1) / side, c};
    const Floats x = draws.normals(in.size(), element), dy = draws.normals(out.size(), element);
    Tensor y = reference.empty(out), dx = reference.empty(in);
    reference->average_squares_forward(side, reference.tensor(in, x), y);
    reference->average_squares_backward(side, reference.tensor(out, dy), dx);

    const kernels::Queue queue = draws.queue();
    const kernels::SquaresShape shape{n, h, w, c, static_cast<int>(side)};
    const Activations device_x(element, x, shift), device_dy(element, dy, shift);
    Activations got_y(element, out.size(), shift), got_dx(element, in.size(), shift);
    kernels::average_squares_forward(queue, element, shape, device_x.address(), got_y.address());
    kernels::average_squares_backward(queue, element, shape, device_dy.address(), got_dx.address());
    check_close("average_squares_forward", got_y.values(), y, tolerance(element));
    check_close("average_squares_backward", got_dx.values(), dx, tolerance(element));
    check_intact(got_y, got_dx);
  });
}

TEST_CASE("average pooling agrees with the reference") {
  const Reference reference;
  for_random_cases_of_each_type(kCases, [&](Draws& draws, Element element) {
    const std::int64_t n = draws.pick({1, 2, 3}), h = draws.pick({2, 5, 8, 15}), w = draws.pick({3, 6, 9}),
                       c = draws.pick({1, 3, 8, 13, 64, 264, 520}), shift = draws.shift();
    CAPTURE(n, h, w, c, shift);
    const Floats x = draws.normals(n * h * w * c, element), dy = draws.normals(n * c);
    Tensor y = reference.empty({n, c}), dx = reference.empty({n, h, w, c});
    reference->average_pool_forward(reference.tensor({n, h, w, c}, x), y);
    reference->average_pool_backward(reference.tensor({n, c}, dy), dx);

    const kernels::Queue queue = draws.queue();
    const Activations device_x(element, x, shift);
    Activations got_dx(element, n * h * w * c, shift);
    Array<float> got_y(n * c), device_dy(dy);
    kernels::average_pool_forward(queue, element, n, h * w, c, device_x.address(), got_y.data());
    kernels::average_pool_backward(queue, element, n, h * w, c, device_dy.data(), got_dx.address());
    check_close("average_pool_forward", got_y.values(), y, 2e-6);
    check_close("average_pool_backward", got_dx.values(), dx, tolerance(element));
    check_intact(got_y, got_dx);
  });
}

}  // namespace
}  // namespace tandem::test
