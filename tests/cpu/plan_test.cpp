#include "cpu/onednn/plan.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/rng.h"
#include "cpu/host_memory.h"
#include "cpu/onednn/onednn.h"
#include "tests/support/catch.h"
#include "tests/support/op_run.h"
#include "tests/support/temp_dir.h"

namespace tandem::cpu {
namespace {

using test::TempDir;

const ConvolutionProblem kProblem{Direction::forward, DType::f32, {1, 1}, {2, 6, 6, 8}, {16, 3, 3, 8}};
const std::vector<Method> kAll{Method::direct, Method::product, Method::winograd};

/// A timer by which one method is the fastest, and which counts its calls.
struct FakeTimer {
  Method fastest;
  int calls = 0;
  ConvolutionPlan::Timer timer() {
    return [this](Method method) {
      ++calls;
      return method == fastest ? 1.0 : 2.0;
    };
  }
};

Method chosen(ConvolutionPlan& plan, const ConvolutionProblem& problem, Method fastest) {
  FakeTimer fake{fastest};
  return plan.choose(problem, kAll, fake.timer());
}

test::HostTensor random_tensor(const Shape& shape, Random& random) {
  test::HostTensor tensor{shape, std::vector<double>(static_cast<std::size_t>(shape.size()))};
  // Numbers that bf16 holds, so that every type computes with the same.
  for (double& value : tensor.values) value = test::round_to_bf16(static_cast<double>(random.normal()));
  return tensor;
}

std::string content_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("A plan chooses the fastest method and measures it once") {
  ConvolutionPlan plan("machine", "");
  for (const Method fastest : kAll) {
    ConvolutionProblem problem = kProblem;
    problem.x = {2, 6 + static_cast<std::int64_t>(fastest), 6, 8};
    FakeTimer fake{fastest};
    CHECK(plan.choose(problem, kAll, fake.timer()) == fastest);
    const int calls = fake.calls;
    CHECK(calls > 3);
    fake.fastest = Method::direct;
    CHECK(plan.choose(problem, kAll, fake.timer()) == fastest);
    CHECK(fake.calls == calls);
  }
}

TEST_CASE("A plan does not measure where there is no choice") {
  ConvolutionPlan plan("machine", "");
  FakeTimer fake{Method::direct};
  CHECK(plan.choose(kProblem, {Method::direct}, fake.timer()) == Method::direct);
  CHECK(fake.calls == 0);
}

TEST_CASE("A plan's choices outlive it in its file, for the same machine") {
  const TempDir folder;
  const std::string file = folder / "below/plan.txt";
  ConvolutionPlan first("machine", file);
  CHECK(chosen(first, kProblem, Method::winograd) == Method::winograd);
  ConvolutionPlan same("machine", file), other("another machine", file);
  CHECK(chosen(same, kProblem, Method::direct) == Method::winograd);
  CHECK(chosen(other, kProblem, Method::direct) == Method::direct);
  CHECK(content_of(file) ==
        "machine\tforward f32 2x6x6x8 16x3x3x8 stride 1 padding 1\twinograd\n"
        "another machine\tforward f32 2x6x6x8 16x3x3x8 stride 1 padding 1\tdirect\n");
  // A method that is not offered any more is not taken.
  FakeTimer fake{Method::direct};
  CHECK(same.choose(kProblem, {Method::direct, Method::product}, fake.timer()) == Method::direct);
}

TEST_CASE("Problems differ in every part of their name") {
  std::vector<ConvolutionProblem> all(7, kProblem);
  all[1].direction = Direction::grad_input;
  all[2].dtype = DType::bf16;
  all[3].geometry.stride = 2;
  all[4].geometry.padding = 0;
  all[5].x = {2, 6, 8, 6};
  all[6].w = {16, 3, 8, 3};
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(all[i].name() != all[j].name());
}

TEST_CASE("A plan passes over what is not a plan") {
  const TempDir folder;
  const std::string name = kProblem.name();
  const auto file =
      folder.write("plan.txt", "\n\t\t\nmachine\nmachine\t" + name + "\nmachine\t" + name + "\tmagic\nmachine\t" +
                                   name + "\tproduct\nmachine\t" + name + "\tdirect\n");
  ConvolutionPlan plan("machine", file);
  CHECK(chosen(plan, kProblem, Method::winograd) == Method::product);  // the first line that makes sense
}

TEST_CASE("A plan that cannot be written is kept in memory") {
  ConvolutionPlan plan("machine", "/proc/no/such/folder/plan.txt");
  CHECK(chosen(plan, kProblem, Method::product) == Method::product);
  CHECK(chosen(plan, kProblem, Method::direct) == Method::product);
}

/// A convolution of stride 1 or 2; in every other one the weights fill oneDNN's blocks, which have filters padded or
/// not.
ConvolutionProblem draw_problem(std::uint32_t seed, Direction direction, DType dtype) {
  Random random(seed, RandomPurpose::test);
  const std::int64_t window = seed % 4 < 2 ? 3 : 1;
  const std::int64_t in = seed % 2 ? 32 * (1 + random.below(3)) : 1 + random.below(40),
                     out = seed % 2 ? 16 * (1 + random.below(9)) : 1 + random.below(40);
  const Shape x{1 + random.below(3), 1 + random.below(15), 1 + random.below(15), in};
  return {direction, dtype, {seed % 8 < 6 ? 1 : 2, window / 2}, x, {out, window, window, in}};
}

/// The output by the reference, from the two inputs.
void reference_convolution(Backend& reference, const ConvolutionProblem& p, const Tensor& a, const Tensor& b,
                           Tensor& output) {
  if (p.direction == Direction::forward) reference.conv2d_forward(p.geometry, a, b, output);
  if (p.direction == Direction::grad_input) reference.conv2d_grad_input(p.geometry, a, b, output);
  if (p.direction == Direction::grad_weight) reference.conv2d_grad_weight(p.geometry, a, b, output);
}

TEST_CASE("Every method of a convolution agrees with the reference") {
  const auto backend = make_cpu_backend();
  const auto reference = make_reference_backend();
  OneDnn onednn(std::make_shared<Arena>(std::make_unique<HostSegments>()), false);
  std::map<Method, int> seen;
  for (std::uint32_t seed = 0; seed < 48; ++seed)
    for (const Direction direction : {Direction::forward, Direction::grad_input, Direction::grad_weight})
      for (const DType dtype : {DType::f32, DType::bf16}) {
        if (!backend->supports(dtype)) continue;
        const ConvolutionProblem p = draw_problem(seed, direction, dtype);
        const Shape y{p.x[0], p.geometry.output(p.x[1], p.w[1]), p.geometry.output(p.x[2], p.w[2]), p.w[0]};
        const Shape shapes[][3] = {{p.x, p.w, y}, {y, p.w, p.x}, {p.x, y, p.w}};
        const auto& [first, second, third] = shapes[static_cast<int>(direction)];
        Random random(seed, RandomPurpose::test);
        const test::HostTensor a = random_tensor(first, random), b = random_tensor(second, random);
        const bool gradient = direction == Direction::grad_weight;
        const auto compute = [&](Backend& on, DType activation, auto&& call) {
          const Tensor left = test::upload(on, a, activation),
                       right = test::upload(on, b, gradient ? activation : DType::f32);
          Tensor result = on.empty(third, gradient ? DType::f32 : activation);
          call(left, right, result);
          return test::download(on, result);
        };
        const test::HostTensor expected =
            compute(*reference, DType::f32, [&](const Tensor& left, const Tensor& right, Tensor& to) {
              reference_convolution(*reference, p, left, right, to);
            });
        for (const Method method : onednn.methods(p)) {
          test::poison(*backend);
          const test::HostTensor got =
              compute(*backend, dtype, [&](const Tensor& left, const Tensor& right, Tensor& to) {
                onednn.convolve_by(method, p, left, right, {}, to);
              });
          CAPTURE(seed, p.name(), static_cast<int>(method));
          CHECK(test::relative_error(got, expected) < (dtype == DType::f32 ? 1e-5 : 1e-2));
          ++seen[method];
        }
      }
  CHECK(seen[Method::direct] >= 144);
  CHECK(seen[Method::product] > 10);
  if (!seen[Method::winograd]) WARN("this oneDNN has no Winograd convolution for this processor");
}

}  // namespace tandem::cpu
