// Every way to compute a convolution against the plain reference.

#include "cpu/convolution/convolutions.h"

#include "core/base/rng.h"
#include "cpu/host/host_memory.h"
#include "tests/support/catch.h"
#include "tests/support/ops/op_run.h"

namespace tandem::cpu {
namespace {

/// A convolution of stride 1 or 2; in every other one the weights fill oneDNN's blocks, which have filters padded or
/// not.
ConvolutionProblem draw_problem(std::uint32_t seed, Direction direction, DType dtype) {
  Random random(seed, RandomPurpose::test);
  const std::int64_t window = seed % 4 < 2 ? 3 : 1;
  const std::int64_t in = seed % 2 ? 32 * (1 + random.below(3)) : 1 + random.below(40),
                     out = seed % 2 ? 16 * (1 + random.below(9)) : 1 + random.below(40);
  const Shape x{1 + random.below(3), 1 + random.below(15), 1 + random.below(15), in};
  return {direction, dtype, {seed % 8 == 5 || seed % 8 == 6 ? 2 : 1, window / 2}, x, {out, window, window, in}};
}

/// One in groups that looks otherwise like those that Winograd's method and the matrix product take.
ConvolutionProblem draw_grouped_problem(std::uint32_t seed, Direction direction, DType dtype) {
  constexpr std::int64_t kChannels[] = {1, 3, 4, 8, 16, 24, 64};
  Random random(seed, RandomPurpose::test);
  const std::int64_t window = seed % 3 == 0 ? 1 : 3, groups = 2 + random.below(7), in = kChannels[random.below(7)],
                     out = seed % 2 == 0 ? in : kChannels[random.below(7)];
  const Shape x{1 + random.below(3), 1 + random.below(15), 1 + random.below(15), groups * in};
  return {direction, dtype, {seed % 4 < 3 ? 1 : 2, window / 2, groups}, x, {groups * out, window, window, in}};
}

/// The output by the reference, from the two inputs.
void reference_convolution(Backend& reference, const ConvolutionProblem& p, const Tensor& a, const Tensor& b,
                           Tensor& output) {
  if (p.direction == Direction::forward) reference.conv2d_forward(p.geometry, a, b, output);
  if (p.direction == Direction::grad_input) reference.conv2d_grad_input(p.geometry, a, b, output);
  if (p.direction == Direction::grad_weight) reference.conv2d_grad_weight(p.geometry, a, b, output);
}

/// One that Winograd's convolutions take: images of 1x1 to 9x9, odd numbers of them too, with small and large weights.
ConvolutionProblem draw_winograd_problem(std::uint32_t seed, Direction direction, DType dtype) {
  Random random(seed, RandomPurpose::test);
  const std::int64_t in = 64 * (1 + random.below(3)), out = 64 * (1 + random.below(3));
  const Shape x{1 + random.below(5), 1 + random.below(9), 1 + random.below(9), in};
  return {direction, dtype, {1, 1}, x, {out, 3, 3, in}};
}

constexpr Direction kTrained[] = {Direction::forward, Direction::grad_input, Direction::grad_weight};

/// Computes random problems by every method there is, compares with the reference, and counts the methods.
class Comparison {
 public:
  void check(const ConvolutionProblem& p, std::uint32_t seed) {
    const Shape y{p.x[0], p.geometry.output(p.x[1], p.w[1]), p.geometry.output(p.x[2], p.w[2]), p.w[0]};
    const Shape shapes[][3] = {{p.x, p.w, y}, {y, p.w, p.x}, {p.x, y, p.w}};
    const auto& [first, second, third] = shapes[static_cast<int>(p.direction)];
    Random random(seed, RandomPurpose::test);
    const test::HostTensor a = test::random_tensor(first, random), b = test::random_tensor(second, random);
    const bool gradient = p.direction == Direction::grad_weight;
    const auto compute = [&, &shape = third](Backend& on, DType activation, auto&& call) {
      const Tensor left = test::upload(on, a, activation),
                   right = test::upload(on, b, gradient ? activation : DType::f32);
      Tensor result = on.empty(shape, gradient ? DType::f32 : activation);
      call(left, right, result);
      return test::download(on, result);
    };
    const test::HostTensor expected =
        compute(*reference_, DType::f32, [&](const Tensor& left, const Tensor& right, Tensor& to) {
          reference_convolution(*reference_, p, left, right, to);
        });
    for (const Method method : convolutions_.methods(p)) {
      test::poison(*backend_);
      const test::HostTensor got =
          compute(*backend_, p.dtype, [&](const Tensor& left, const Tensor& right, Tensor& to) {
            convolutions_.convolve_by(method, p, left, right, {}, to);
          });
      CAPTURE(seed, p.name(), static_cast<int>(method));
      CHECK(test::relative_error(got, expected) < (p.dtype == DType::f32 ? 1e-5 : 1e-2));
      ++seen[method];
    }
  }

  std::map<Method, int> seen;

 private:
  std::shared_ptr<Backend> backend_ = make_cpu_backend(), reference_ = make_reference_backend();
  std::shared_ptr<Arena> arena_ = std::make_shared<Arena>(std::make_unique<HostSegments>());
  Threads threads_{3};
  OneDnn onednn_{arena_, threads_};
  Convolutions convolutions_{arena_, threads_, onednn_, false};
};

}  // namespace

TEST_CASE("Every method of a convolution agrees with the reference") {
  const bool has_bf16 = make_cpu_backend()->supports(DType::bf16);
  Comparison comparison;
  for (std::uint32_t seed = 0; seed < 48; ++seed)
    for (const Direction direction : kTrained)
      for (const DType dtype : {DType::f32, DType::bf16})
        if (dtype == DType::f32 || has_bf16) comparison.check(draw_problem(seed, direction, dtype), seed);
  CHECK(comparison.seen[Method::direct] >= 144);
  CHECK(comparison.seen[Method::gemm] > 10);
}

TEST_CASE("Winograd's convolution agrees with the reference at any size") {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    if (dtype == DType::f32 ? !vector_kernels().winograd : !winograd_kernels()) continue;
    Comparison comparison;
    for (std::uint32_t seed = 0; seed < 24; ++seed)
      for (const Direction direction : kTrained) comparison.check(draw_winograd_problem(seed, direction, dtype), seed);
    CHECK(comparison.seen[Method::winograd] == 72);
  }
}

TEST_CASE("A convolution in groups agrees with the reference, by no method that knows no groups") {
  const bool has_bf16 = make_cpu_backend()->supports(DType::bf16);
  Comparison comparison;
  for (std::uint32_t seed = 0; seed < 48; ++seed)
    for (const Direction direction : kTrained)
      for (const DType dtype : {DType::f32, DType::bf16})
        if (dtype == DType::f32 || has_bf16) comparison.check(draw_grouped_problem(seed, direction, dtype), seed);
  CHECK(comparison.seen[Method::direct] >= 144);
  CHECK(comparison.seen[Method::gemm] == 0);
  CHECK(comparison.seen[Method::winograd] == 0);
}

TEST_CASE("A convolution gives the same bits with one thread and with three") {
  const bool has_bf16 = vector_kernels().has_bf16();
  const auto arena = std::make_shared<Arena>(std::make_unique<HostSegments>());
  const auto backend = make_cpu_backend();
  const auto bits = [&](int count, Method method, const ConvolutionProblem& p, const Tensor& a, const Tensor& b,
                        const Shape& shape, DType type) {
    Threads threads(count);
    OneDnn onednn(arena, threads);
    Tensor output = backend->empty(shape, type);
    Convolutions(arena, threads, onednn, false).convolve_by(method, p, a, b, {}, output);
    return test::download(*backend, output).values;
  };
  // Several pieces, of unequal size, in every direction; large and small weights.
  const std::pair<Shape, Shape> kProblems[] = {{{7, 24, 24, 64}, {64, 3, 3, 64}},
                                               {{5, 14, 14, 128}, {192, 3, 3, 128}},
                                               {{7, 30, 28, 64}, {256, 1, 1, 64}},
                                               {{7, 28, 28, 128}, {128, 3, 3, 4}}};
  for (const auto& [x, w] : kProblems)
    for (const std::int64_t stride : {1, 2})
      for (const Direction direction : kTrained)
        for (const DType dtype : {DType::f32, DType::bf16}) {
          if (dtype == DType::bf16 && !has_bf16) continue;
          const ConvolutionProblem p{direction, dtype, {stride, w[1] / 2, x[3] / w[3]}, x, w};
          const Shape y{x[0], p.geometry.output(x[1], w[1]), p.geometry.output(x[2], w[2]), w[0]};
          const bool gradient = direction == Direction::grad_weight;
          const Shape first = direction == Direction::grad_input ? y : x, second = gradient ? y : w;
          Random random(1, RandomPurpose::test);
          const Tensor a = test::upload(*backend, test::random_tensor(first, random), dtype),
                       b = test::upload(*backend, test::random_tensor(second, random), gradient ? dtype : DType::f32);
          const Shape result = gradient ? w : direction == Direction::grad_input ? x : y;
          Threads threads(1);
          OneDnn onednn(arena, threads);
          for (const Method method : Convolutions(arena, threads, onednn, false).methods(p)) {
            CAPTURE(p.name(), name_of(method));
            CHECK(bits(1, method, p, a, b, result, gradient ? DType::f32 : dtype) ==
                  bits(3, method, p, a, b, result, gradient ? DType::f32 : dtype));
          }
        }
}

}  // namespace tandem::cpu
