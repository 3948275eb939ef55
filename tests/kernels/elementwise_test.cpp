#include "cuda/kernels/elementwise.h"

#include "core/base/error.h"
#include "tests/kernels/comparison.h"

namespace tandem::test {
namespace {

namespace kernels = cuda::kernels;

constexpr std::uint32_t kCases = 100;

std::int64_t draw_size(Draws& draws) { return draws.pick({1, 7, 8, 9, 255, 2047, 2048, 2049, 5000, 20011}); }

/// One rounding, where activations have fewer bits than the reference's.
double one_rounding(Element element) { return element == Element::f32 ? 0 : tolerance(element); }

TEST_CASE("addition and ReLU agree with the reference, NaN included, and in place") {
  const Reference reference;
  for_random_cases_of_each_type(kCases, [&](Draws& draws, Element element) {
    const std::int64_t n = draw_size(draws), shift = draws.shift();
    const kernels::Queue queue = draws.queue();
    CAPTURE(n, shift, queue.multiprocessors);
    Floats a = draws.normals(n, element);
    const Floats b = draws.normals(n, element);
    const auto middle = static_cast<std::size_t>(n / 2);
    a[middle] = NAN;
    Activations x(element, a, shift), other(element, b, shift), sum(element, n, shift), positive(element, n, shift);
    Tensor expected = reference.empty({n});

    reference->add(reference.vector(a), reference.vector(b), expected);
    kernels::add(queue, element, x.address(), other.address(), n, sum.address());
    check_close("add", sum.values(), expected, one_rounding(element));

    reference->relu_forward(reference.vector(a), expected);
    kernels::relu_forward(queue, element, x.address(), n, positive.address());
    check_close("relu_forward", positive.values(), expected, 0);
    CHECK(std::isnan(positive.values()[middle]));

    reference->relu_backward(reference.vector(a), reference.vector(b), expected);
    kernels::relu_backward(queue, element, x.address(), other.address(), n, other.address());
    check_close("relu_backward", other.values(), expected, 0);
    check_intact(x, other, sum, positive);
  });
}

TEST_CASE("a cast rounds each element once") {
  for_random_cases_of_each_type(kCases, [&](Draws& draws, Element from) {
    for (const Element to : kElements) {
      const std::int64_t n = draw_size(draws), shift = draws.shift();
      CAPTURE(n, shift, name_of(to));
      Floats values = draws.normals(n, from, 0, 100);
      const Activations x(from, values, shift);
      Activations y(to, n, shift);
      kernels::cast(draws.queue(), from, x.address(), n, to, y.address());
      for (float& value : values) value = rounded(to, value);
      check_close("cast", y.values(), values, 0);
      check_intact(y);
    }
  });
}

TEST_CASE("channels are added as zeros, or left out") {
  for_random_cases_of_each_type(kCases, [&](Draws& draws, Element from) {
    for (const Element to : kElements) {
      const std::int64_t rows = draws.pick({1, 5, 300}), before = draws.pick({1, 3, 4, 8}),
                         after = draws.pick({1, 3, 4, 8, 11});
      CAPTURE(rows, before, after, name_of(to));
      const Floats values = draws.normals(rows * before, from);
      Floats expected(static_cast<std::size_t>(rows * after), 0);
      for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t c = 0; c < std::min(before, after); ++c)
          expected[static_cast<std::size_t>(row * after + c)] =
              rounded(to, values[static_cast<std::size_t>(row * before + c)]);
      const Activations x(from, values);
      Activations y(to, rows * after);
      kernels::resize_channels(draws.queue(), from, x.address(), rows, before, to, y.address(), after);
      check_close("resize_channels", y.values(), expected, 0);
      check_intact(y);
    }
  });
}

TEST_CASE("fill sets every element and no other") {
  for_random_cases(kCases, [](Draws& draws) {
    const std::int64_t n = draw_size(draws), shift = draws.shift();
    CAPTURE(n, shift);
    Array<float> x(n, shift);
    kernels::fill(draws.queue(), 2.5F, n, x.data());
    check_close("fill", x.values(), Floats(static_cast<std::size_t>(n), 2.5F), 0);
    check_intact(x);
  });
}

TEST_CASE("images are normalised as by the reference") {
  const Reference reference;
  for_random_cases_of_each_type(kCases, [&](Draws& draws, Element element) {
    const std::int64_t count = draws.pick({1, 5, 16, 17, 333, 4096, 5001}), shift = draws.shift();
    CAPTURE(count, shift);
    const std::vector<std::uint8_t> values = draws.bytes(3 * count);
    Tensor expected = reference.empty({1, 1, count, 3});
    reference->normalize_images(reference.bytes({1, 1, count, 3}, values), expected);
    Array<std::uint8_t> pixels(values, shift);
    Activations y(element, 3 * count, shift);
    kernels::normalize_images(draws.queue(), pixels.data(), count, element, y.address());
    check_close("normalize_images", y.values(), expected, tolerance(element));
    check_intact(y);
  });
}

TEST_CASE("a weighted sum of scalars agrees with the reference") {
  const Reference reference;
  for_random_cases(kCases, [&](Draws& draws) {
    const std::int64_t count = draws.pick({1, 3, 64});
    CAPTURE(count);
    const Floats values = draws.normals(count), weights = draws.normals(count);
    Array<float> device_values(values), device_weights(weights), sum(1);
    std::vector<Tensor> terms;
    std::vector<const float*> device_terms;
    for (std::int64_t i = 0; i < count; ++i) {
      terms.push_back(reference.vector({values[static_cast<std::size_t>(i)]}));
      device_terms.push_back(device_values.data() + i);
    }
    Tensor expected = reference.empty({1});
    reference->weighted_sum(terms, reference.vector(weights), expected);
    kernels::weighted_sum(draws.queue(), device_terms, device_weights.data(), sum.data());
    check_close("weighted_sum", sum.values(), expected, 1e-6);
    check_intact(sum);
  });
  const std::vector<const float*> too_many(kernels::kMostTerms + 1);
  CHECK_THROWS_AS(kernels::weighted_sum({}, too_many, nullptr, nullptr), Error);
}

}  // namespace
}  // namespace tandem::test
