// Ops against answers worked out by hand or by a second, independent loop.

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/ops/tensors.h"

namespace tandem::test {
namespace {

using Numbers = std::vector<double>;

Numbers random_numbers(Random& random, std::int64_t n) {
  Numbers x(static_cast<std::size_t>(n));
  for (double& value : x) value = static_cast<double>(random.normal());
  return x;
}

/// Convolution by its definition on an image padded with zeros.
Numbers naive_conv2d(const Conv2dGeometry& z, const Shape& x, const Numbers& xs, const Shape& w, const Numbers& ws) {
  const auto pixel = [&](std::int64_t n, std::int64_t h, std::int64_t v, std::int64_t c) {
    if (h < 0 || h >= x[1] || v < 0 || v >= x[2]) return 0.0;
    return xs[static_cast<std::size_t>(((n * x[1] + h) * x[2] + v) * x[3] + c)];
  };
  Numbers y;
  for (std::int64_t n = 0; n < x[0]; ++n)
    for (std::int64_t p = 0; p * z.stride + w[1] <= x[1] + 2 * z.padding; ++p)
      for (std::int64_t q = 0; q * z.stride + w[2] <= x[2] + 2 * z.padding; ++q)
        for (std::int64_t k = 0; k < w[0]; ++k) {
          y.push_back(0);
          for (std::int64_t r = 0; r < w[1]; ++r)
            for (std::int64_t s = 0; s < w[2]; ++s)
              for (std::int64_t c = 0; c < w[3]; ++c)
                y.back() += pixel(n, p * z.stride + r - z.padding, q * z.stride + s - z.padding,
                                  k * z.groups / w[0] * w[3] + c) *
                            ws[static_cast<std::size_t>(((k * w[1] + r) * w[2] + s) * w[3] + c)];
        }
  return y;
}

}  // namespace

TEST_CASE("Convolution of known numbers") {
  const Numbers x{1, 2, 3, 4, 5, 6, 7, 8, 9}, w{1, 2, 3, 4};
  for_each_backend([&](Backend& backend, DType real, double tolerance) {
    const Tensor image = tensor(backend, real, {1, 3, 3, 1}, x), window = tensor(backend, real, {1, 2, 2, 1}, w);
    Tensor y = backend.empty({1, 2, 2, 1}, real);
    backend.conv2d_forward({1, 0}, image, window, y);
    CHECK(largest_difference(values_of(backend, y), {37, 47, 67, 77}) < 100 * tolerance);
    backend.conv2d_forward({2, 1}, image, window, y);
    CHECK(largest_difference(values_of(backend, y), {4, 18, 36, 77}) < 100 * tolerance);
  });
}

TEST_CASE("Convolution agrees with the naive loop") {
  Random random(1, RandomPurpose::test);
  const struct {
    Conv2dGeometry geometry;
    Shape x, w;
  } rows[] = {
      {{1, 0}, {2, 5, 4, 3}, {7, 1, 1, 3}},
      {{2, 0}, {1, 5, 6, 16}, {5, 1, 1, 16}},
      {{1, 1}, {2, 4, 6, 5}, {3, 3, 3, 5}},
      {{2, 1}, {3, 7, 8, 19}, {17, 3, 3, 19}},
      {{2, 3}, {1, 11, 9, 3}, {4, 7, 7, 3}},
      {{1, 2}, {1, 1, 1, 2}, {2, 3, 5, 2}},
      // One shape in every geometry: a backend that keeps prepared convolutions must tell them apart.
      {{1, 0}, {2, 5, 5, 3}, {4, 3, 3, 3}},
      {{1, 1}, {2, 5, 5, 3}, {4, 3, 3, 3}},
      {{2, 0}, {2, 5, 5, 3}, {4, 3, 3, 3}},
      {{2, 1}, {2, 5, 5, 3}, {4, 3, 3, 3}},
      // In groups: of one channel each, of as many as filters, of odd numbers, and one image in several ways.
      {{1, 1, 5}, {2, 6, 5, 5}, {10, 3, 3, 1}},
      {{1, 1, 32}, {1, 7, 6, 128}, {128, 3, 3, 4}},
      {{2, 1, 32}, {1, 7, 6, 128}, {128, 3, 3, 4}},
      {{2, 1, 3}, {2, 9, 8, 21}, {15, 3, 3, 7}},
      {{1, 0, 2}, {1, 4, 4, 32}, {64, 1, 1, 16}},
      {{1, 0, 4}, {1, 4, 4, 32}, {64, 1, 1, 8}},
  };
  for_each_backend([&](Backend& backend, DType real, double tolerance) {
    for (const auto& row : rows) {
      const Numbers xs = random_numbers(random, row.x.size()), ws = random_numbers(random, row.w.size());
      const Numbers expected = naive_conv2d(row.geometry, row.x, xs, row.w, ws);
      Tensor y = backend.empty(
          {row.x[0], row.geometry.output(row.x[1], row.w[1]), row.geometry.output(row.x[2], row.w[2]), row.w[0]}, real);
      backend.conv2d_forward(row.geometry, tensor(backend, real, row.x, xs), tensor(backend, real, row.w, ws), y);
      CAPTURE(row.x[1], row.w[1], row.geometry.stride);
      CHECK(largest_difference(values_of(backend, y), expected) < 10 * tolerance);
    }
  });
}

TEST_CASE("Means of squares, whole and cut, of known numbers") {
  const Numbers x{1, 2, 3, 4, 5, 6, 7, 8, 9};
  for_each_backend([&](Backend& backend, DType real, double tolerance) {
    const Tensor image = tensor(backend, real, {1, 3, 3, 1}, x);
    Tensor y = backend.empty({1, 2, 2, 1}, real), dx = backend.empty(image.shape(), real);
    backend.average_squares_forward(2, image, y);
    CHECK(largest_difference(values_of(backend, y), {3, 4.5, 7.5, 9}) < 10 * tolerance);
    backend.average_squares_backward(2, tensor(backend, real, {1, 2, 2, 1}, {4, 8, 12, 16}), dx);
    CHECK(largest_difference(values_of(backend, dx), {1, 1, 4, 1, 1, 4, 6, 6, 16}) < 10 * tolerance);
  });
}

TEST_CASE("Linear layer of known numbers") {
  for_each_backend([](Backend& backend, DType real, double tolerance) {
    Tensor y = backend.empty({2, 3}, real);
    backend.linear_forward(tensor(backend, real, {2, 2}, {1, 2, 3, 4}),
                           tensor(backend, real, {3, 2}, {1, 0, 0, 1, 2, -1}), tensor(backend, real, {3}, {10, 20, 30}),
                           y);
    CHECK(largest_difference(values_of(backend, y), {11, 22, 30, 13, 24, 32}) < 10 * tolerance);
  });
}

TEST_CASE("Batch norm of known numbers") {
  const double eps = 0.5, momentum = 0.1, gamma = 2, beta = -1;
  const Numbers x{1, 2, 3, 6}, residual{0, 5, 0, 0};
  const struct {
    std::int64_t groups;
    Numbers mean, var, unbiased;
  } rows[] = {{1, {3}, {3.5}, {14.0 / 3}}, {2, {1.5, 4.5}, {0.25, 2.25}, {0.5, 4.5}}};
  for_each_backend([&](Backend& backend, DType real, double tolerance) {
    for (const auto& row : rows)
      for (const bool relu : {false, true}) {
        Numbers y;
        for (std::size_t i = 0; i < 4; ++i) {
          const std::size_t g = i * static_cast<std::size_t>(row.groups) / 4;
          const double value = gamma * (x[i] - row.mean[g]) / std::sqrt(row.var[g] + eps) + beta + residual[i];
          y.push_back(relu ? std::max(value, 0.0) : value);
        }
        double running_mean = 0.25, running_var = 4;
        for (std::size_t g = 0; g < row.mean.size(); ++g) {
          running_mean = (1 - momentum) * running_mean + momentum * row.mean[g];
          running_var = (1 - momentum) * running_var + momentum * row.unbiased[g];
        }
        const Shape shape{2, 1, 2, 1};
        const auto one = [&](double value) { return tensor(backend, real, {1}, {value}); };
        Tensor mean = one(0.25), var = one(4), out = backend.empty(shape, real);
        BatchNormSaved saved{backend.empty({row.groups, 1}, real), backend.empty({row.groups, 1}, real),
                             relu ? backend.empty({4, 1}, DType::u8) : Tensor()};
        const BatchNormOptions options{row.groups, eps, momentum, relu};
        const Tensor in = tensor(backend, real, shape, x), shortcut = tensor(backend, real, shape, residual);
        backend.batch_norm_forward_train(options, in, shortcut, one(gamma), one(beta), mean, var, out, saved);
        CAPTURE(row.groups, relu);
        CHECK(largest_difference(values_of(backend, out), y) < 10 * tolerance);
        CHECK(largest_difference(values_of(backend, mean), {running_mean}) < tolerance);
        CHECK(largest_difference(values_of(backend, var), {running_var}) < tolerance);
        if (relu) {
          std::vector<std::uint8_t> bits(4);
          backend.copy_to_host(saved.mask, bits.data());
          for (std::size_t i = 0; i < 4; ++i) CHECK((bits[i] & 1) == (y[i] > 0));
        }

        backend.batch_norm_forward_eval(options, in, shortcut, one(gamma), one(beta), one(3), one(3.5), out);
        for (std::size_t i = 0; i < 4; ++i) {
          y[i] = gamma * (x[i] - 3) / std::sqrt(3.5 + eps) + beta + residual[i];
          if (relu) y[i] = std::max(y[i], 0.0);
        }
        CHECK(largest_difference(values_of(backend, out), y) < 10 * tolerance);
      }
  });
}

TEST_CASE("Pooling of known numbers") {
  const double nan = std::nan("");
  for_each_backend([&](Backend& backend, DType real, double tolerance) {
    Tensor y = backend.empty({1, 2, 2, 1}, real), argmax = backend.empty({1, 2, 2, 1}, DType::u8);
    const auto pool = [&](const Numbers& x) {
      backend.max_pool_forward({3, 2, 1}, tensor(backend, real, {1, 3, 3, 1}, x), y, argmax);
      std::vector<std::uint8_t> at(4);
      backend.copy_to_host(argmax, at.data());
      return std::vector<int>(at.begin(), at.end());
    };
    // All negative, so that a padding of zeros would win; a window's first position lies in the padding.
    CHECK(pool({-9, -8, -7, -6, -1, -4, -3, -2, -5}) == std::vector<int>{8, 6, 2, 0});
    CHECK(values_of(backend, y) == Numbers{-1, -1, -1, -1});
    CHECK(pool({1, 1, 1, 1, 1, 1, 1, 1, 1}) == std::vector<int>{4, 3, 1, 0});  // the first of equals
    CHECK(pool({1, 5, 2, 5, 5, 5, 3, 5, 4}) == std::vector<int>{5, 3, 1, 0});
    pool({1, nan, 2, 3, 4, 5, 6, 7, 8});
    const Numbers with_nan = values_of(backend, y);
    CHECK((std::isnan(with_nan[0]) && std::isnan(with_nan[1]) && with_nan[2] == 7 && with_nan[3] == 8));

    Tensor mean = backend.empty({1, 2}, real);
    backend.average_pool_forward(tensor(backend, real, {1, 2, 2, 2}, {1, 10, 2, 20, 3, 30, 6, 60}), mean);
    CHECK(largest_difference(values_of(backend, mean), {3, 30}) < 10 * tolerance);
  });
}

TEST_CASE("Weighted sums of known numbers") {
  for_each_backend([](Backend& backend, DType real, double tolerance) {
    Tensor out = backend.empty({1}, real);
    const auto one = [&](double value) { return tensor(backend, real, {1}, {value}); };
    backend.weighted_sum({one(1), one(2), one(30)}, tensor(backend, real, {3}, {0.5, 0.25, 0.1}), out);
    CHECK(largest_difference(values_of(backend, out), {4}) < tolerance);
  });
}

}  // namespace tandem::test
