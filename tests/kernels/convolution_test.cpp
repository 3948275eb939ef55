#include "cuda/kernels/convolution.h"

#include "tests/kernels/comparison.h"

namespace tandem::test {
namespace {

namespace kernels = cuda::kernels;

constexpr std::uint32_t kCases = 100;

/// The formula, as cuda/kernels/convolution.h writes it: no kernel of the reference does this alone.
Floats bias_residual_relu(const Floats& x, const Floats& bias, const Floats* residual, bool relu) {
  Floats y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float sum = x[i] + bias[i % bias.size()] + (residual != nullptr ? (*residual)[i] : 0);
    y[i] = relu && sum < 0 ? 0 : sum;
  }
  return y;
}

TEST_CASE("bias, residual and ReLU follow the formula, in place, and keep NaN") {
  for_random_cases_of_each_type(kCases, [](Draws& draws, Element element) {
    const std::int64_t rows = draws.pick({1, 7, 100, 333}), channels = draws.pick({1, 3, 8, 13, 64, 200, 264}),
                       shift = draws.shift();
    const bool has_residual = draws.one_in(2), relu = draws.one_in(2);
    const bool into_residual = has_residual && draws.one_in(2);
    CAPTURE(rows, channels, shift, has_residual, relu, into_residual);
    Floats x = draws.normals(rows * channels, element);
    const Floats bias = draws.normals(channels), residual = draws.normals(rows * channels, element);
    x[0] = NAN;
    Activations device_x(element, x, shift), device_residual(element, residual, shift);
    Array<float> device_bias(bias);
    Activations& y = into_residual ? device_residual : device_x;
    kernels::bias_residual_relu(draws.queue(), element, rows, channels, device_x.address(), device_bias.data(),
                                has_residual ? device_residual.address() : nullptr, relu, y.address());
    check_close("y", y.values(), bias_residual_relu(x, bias, has_residual ? &residual : nullptr, relu),
                tolerance(element));
    CHECK(std::isnan(y.values()[0]));
    check_intact(device_x, device_residual);
  });
}

TEST_CASE("sums of columns agree with sums in f64") {
  for_random_cases(kCases, [](Draws& draws) {
    const std::int64_t rows = draws.pick({1, 7, 100, 333}), columns = draws.pick({1, 3, 8, 13, 64, 200, 264});
    CAPTURE(rows, columns);
    const Floats x = draws.normals(rows * columns);
    Floats expected;
    for (std::int64_t column = 0; column < columns; ++column) {
      double sum = 0;
      for (std::int64_t row = 0; row < rows; ++row)
        sum += static_cast<double>(x[static_cast<std::size_t>(row * columns + column)]);
      expected.push_back(static_cast<float>(sum));
    }
    Array<float> device_x(x), sums(columns);
    kernels::column_sums(draws.queue(), device_x.data(), rows, columns, sums.data());
    check_close("column_sums", sums.values(), expected, 1e-6);
    check_intact(sums);
  });
}

TEST_CASE("a batch norm is folded into filters as by the reference") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    const std::int64_t filters = draws.pick({1, 5, 64}), row = draws.pick({1, 27, 300});
    CAPTURE(filters, row);
    constexpr double kEps = 1e-5;
    const Floats w = draws.normals(filters * row), gamma = draws.normals(filters), beta = draws.normals(filters),
                 mean = draws.normals(filters), variance = draws.normals(filters, Element::f32, 3, 0.3F);
    Tensor folded_w = reference.empty({filters, 1, 1, row}), folded_b = reference.empty({filters});
    reference->fold_batch_norm(kEps, reference.tensor({filters, 1, 1, row}, w), reference.vector(gamma),
                               reference.vector(beta), reference.vector(mean), reference.vector(variance), folded_w,
                               folded_b);

    Array<float> device_w(w), device_gamma(gamma), device_beta(beta), device_mean(mean), device_variance(variance);
    Array<float> got_w(filters * row), got_b(filters);
    kernels::fold_batch_norm(draws.queue(), kEps, filters, row, device_w.data(), device_gamma.data(),
                             device_beta.data(), device_mean.data(), device_variance.data(), got_w.data(),
                             got_b.data());
    check_close("folded_w", got_w.values(), folded_w, 1e-6);
    check_close("folded_b", got_b.values(), folded_b, 1e-6);
    check_intact(got_w, got_b);
  });
}

}  // namespace
}  // namespace tandem::test
