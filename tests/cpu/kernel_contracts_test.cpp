// The kernels that no differentiable op covers, and outputs that share memory with inputs where a kernel allows it: the
// device under test against the reference.

#include "tests/support/catch.h"
#include "tests/support/ops/tensors.h"

namespace tandem::test {
namespace {

/// Types of activations that the device computes with, and how near they come to the reference.
std::vector<std::pair<DType, double>> activation_types(const Backend& backend) {
  std::vector<std::pair<DType, double>> types{{DType::f32, 1e-5}};
  if (backend.supports(DType::bf16)) types.emplace_back(DType::bf16, 1e-2);
  return types;
}

HostTensor random_tensor(std::uint32_t seed, const Shape& shape) {
  Random random(seed, RandomPurpose::test);
  return test::random_tensor(shape, random);
}
HostTensor positive_tensor(std::uint32_t seed, const Shape& shape) {
  HostTensor x = random_tensor(seed, shape);
  for (double& value : x.values) value = std::abs(value) + 0.5;
  return x;
}

}  // namespace

TEST_CASE("Casts between the types are exact") {
  const auto reference = make_reference_backend(), tested = make_test_backend();
  if (!tested) TANDEM_SKIP("no GPU");
  Random random(1, RandomPurpose::test);
  HostTensor x{{20'011}, {}};  // several pieces, and a tail
  for (int i = 0; i < 20'011; ++i) x.values.push_back(static_cast<double>(random.normal()));
  for (const DType from : {DType::f32, DType::bf16})
    for (const DType to : {DType::f32, DType::bf16}) {
      if (from == to) continue;
      Tensor expected = reference->empty(x.shape, to), got = tested->empty(x.shape, to);
      reference->cast(upload(*reference, x, from), expected);
      tested->cast(upload(*tested, x, from), got);
      CHECK(values_of(*tested, got) == values_of(*reference, expected));
    }
  // The reference itself, by BFloat16's rounding.
  Tensor narrow = reference->empty(x.shape, DType::bf16), wide = reference->empty(x.shape, DType::f64);
  reference->cast(upload(*reference, x, DType::f32), narrow);
  reference->cast(narrow, wide);
  for (double& value : x.values) value = round_to_bf16(value);
  CHECK(values_of(*reference, wide) == x.values);
}

TEST_CASE("Images are normalised by the mean and deviation of each colour") {
  const auto tested = make_test_backend(), reference = make_reference_backend();
  if (!tested) TANDEM_SKIP("no GPU");
  const Shape shape{3, 81, 79, 3};
  const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
  Random random(1, RandomPurpose::test);
  std::vector<std::uint8_t> pixels;
  HostTensor expected{shape, {}};
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
    expected.values.push_back((pixels.back() / 255.0 - mean[i % 3]) / deviation[i % 3]);
  }
  const auto error = [&](Backend& backend, DType type) {
    Tensor in = backend.empty(shape, DType::u8), out = backend.empty(shape, type);
    backend.copy_from_host(pixels.data(), in);
    backend.normalize_images(in, out);
    return relative_error(download(backend, out), expected);
  };
  CHECK(error(*reference, DType::f64) < 1e-14);
  CHECK(error(*reference, DType::f32) < 1e-6);
  for (const auto& [type, tolerance] : activation_types(*tested)) CHECK(error(*tested, type) < tolerance);
}

TEST_CASE("Batch norm with running statistics agrees with the reference") {
  const auto tested = make_test_backend(), reference = make_reference_backend();
  if (!tested) TANDEM_SKIP("no GPU");
  for (const std::int64_t c : {1, 13, 16, 67})
    for (const bool with_residual : {false, true})
      for (const bool relu : {false, true}) {
        const Shape shape{2, 17, 19, c};
        const BatchNormOptions options{2, 1e-5, 0.1, relu};
        const auto run = [&](Backend& backend, DType type) {
          const auto real = [&](const HostTensor& x) { return upload(backend, x, DType::f32); };
          const Tensor residual = with_residual ? upload(backend, random_tensor(2, shape), type) : Tensor();
          poison(backend);
          Tensor y = backend.empty(shape, type);
          backend.batch_norm_forward_eval(options, upload(backend, random_tensor(1, shape), type), residual,
                                          real(random_tensor(3, {c})), real(random_tensor(4, {c})),
                                          real(random_tensor(5, {c})), real(positive_tensor(6, {c})), y);
          return download(backend, y);
        };
        const HostTensor expected = run(*reference, DType::f32);
        for (const auto& [type, tolerance] : activation_types(*tested)) {
          CAPTURE(type, c, with_residual, relu);
          CHECK(relative_error(run(*tested, type), expected) < tolerance);
        }
      }
}

TEST_CASE("Batch norm writes over its residual and over its gradient as it may") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  const Shape shape{4, 17, 19, 13};
  for (const auto& [type, tolerance] : activation_types(*backend)) {
    const BatchNormOptions options{2, 1e-5, 0.1, true};
    const auto activation = [&, t = type](std::uint32_t seed) {
      return upload(*backend, random_tensor(seed, shape), t);
    };
    const auto real = [&](std::uint32_t seed) { return upload(*backend, positive_tensor(seed, {13}), DType::f32); };
    const auto empty = [&](const Shape& s, DType dtype) { return backend->empty(s, dtype); };
    const Tensor x = activation(1), gamma = real(3), beta = real(4);
    BatchNormSaved saved{empty({2, 13}, DType::f32), empty({2, 13}, DType::f32), empty({4 * 17 * 19, 2}, DType::u8)};
    Tensor mean = real(5), var = real(6), y = empty(shape, type), in_place = activation(2);
    backend->batch_norm_forward_train(options, x, activation(2), gamma, beta, mean, var, y, saved);
    backend->batch_norm_forward_train(options, x, in_place, gamma, beta, mean, var, in_place, saved);
    CHECK(values_of(*backend, in_place) == values_of(*backend, y));

    Tensor dx = empty(shape, type), dresidual = empty(shape, type), none;
    Tensor dgamma = empty({13}, DType::f32), dbeta = empty({13}, DType::f32);
    backend->batch_norm_backward(options, activation(7), x, gamma, saved, dx, dresidual, dgamma, dbeta);
    Tensor dy = activation(7), other = empty(shape, type);
    backend->batch_norm_backward(options, dy, x, gamma, saved, dy, none, dgamma, dbeta);
    CHECK(values_of(*backend, dy) == values_of(*backend, dx));
    dy = activation(7);
    backend->batch_norm_backward(options, dy, x, gamma, saved, other, dy, dgamma, dbeta);
    CHECK(values_of(*backend, dy) == values_of(*backend, dresidual));
    CHECK(values_of(*backend, other) == values_of(*backend, dx));
  }
}

TEST_CASE("Elementwise kernels write over their inputs as they may") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  const Shape shape{3, 5, 7, 11};
  for (const auto& [type, tolerance] : activation_types(*backend)) {
    const auto input = [&, t = type](std::uint32_t seed) { return upload(*backend, random_tensor(seed, shape), t); };
    Tensor out = backend->empty(shape, type), a = input(1), b = input(2);
    backend->add(input(1), input(2), out);
    backend->add(a, input(2), a);
    backend->add(input(1), b, b);
    CHECK(values_of(*backend, a) == values_of(*backend, out));
    CHECK(values_of(*backend, b) == values_of(*backend, out));

    Tensor x = input(1);
    backend->relu_forward(input(1), out);
    backend->relu_forward(x, x);
    CHECK(values_of(*backend, x) == values_of(*backend, out));

    Tensor dx = backend->empty(shape, type), dy = input(2);
    backend->relu_backward(out, input(2), dx);
    backend->relu_backward(out, dy, dy);
    CHECK(values_of(*backend, dy) == values_of(*backend, dx));
  }
}

TEST_CASE("Filling and copying") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  for (const DType type : {DType::f32, DType::f64}) {
    Tensor x = backend->empty({100}, type), y = backend->empty({100}, type);
    backend->fill(x, 2.5);
    CHECK(values_of(*backend, x) == std::vector<double>(100, 2.5));
    backend->copy(x, y);
    backend->fill(x, 0);
    CHECK(values_of(*backend, x) == std::vector<double>(100, 0.0));
    CHECK(values_of(*backend, y) == std::vector<double>(100, 2.5));
    Tensor middle = y.rows(10, 20);
    backend->fill(middle, 1);
    const auto values = values_of(*backend, y);
    CHECK((values[9] == 2.5 && values[10] == 1 && values[19] == 1 && values[20] == 2.5));
  }
}

TEST_CASE("A type that a backend has no kernel for is refused") {
  const auto reference = make_reference_backend(), cpu = make_cpu_backend();
  const auto add = [](Backend& backend, DType type) {
    Tensor x = backend.empty({4}, type);
    backend.fill(x, 0);
    backend.add(x, x, x);
  };
  CHECK_THROWS_AS(add(*reference, DType::bf16), Error);
  CHECK_THROWS_AS(add(*reference, DType::i32), Error);
  CHECK_THROWS_AS(add(*cpu, DType::i32), Error);
  CHECK_THROWS_AS(add(*cpu, DType::u8), Error);
  CHECK_THROWS_AS(add(*cpu, DType::f64), Error);
  CHECK_NOTHROW(add(*reference, DType::f64));
  for (const DType type : {DType::f16, DType::i32}) {
    Tensor x = cpu->empty({1, 4, 4, 32}, type), w = cpu->empty({16, 1, 1, 32}, DType::f32),
           y = cpu->empty({1, 4, 4, 16}, type);
    CHECK_THROWS_AS(cpu->conv2d_forward({}, x, w, y), Error);
  }
  CHECK_FALSE(reference->supports(DType::bf16));
  CHECK_FALSE(cpu->supports(DType::f64));
  CHECK_FALSE(cpu->supports(DType::i32));
}

}  // namespace tandem::test
