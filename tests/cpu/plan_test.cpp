#include "cpu/convolution/plan.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"
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

}  // namespace tandem::cpu
