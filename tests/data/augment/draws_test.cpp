// The arguments of the ops are distributed as torchvision draws them: means, spreads and quantiles of 10,000 draws.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <set>
#include <string>

#include "data/augment/mixing.h"
#include "data/augment/plan.h"
#include "data/augment/policies.h"
#include "data/image/transform.h"
#include "tests/data/augment/torchvision.h"
#include "tests/support/catch.h"

namespace tandem::augment {
namespace {

using nlohmann::json;

constexpr int kSize = 224;
constexpr std::uint32_t kDraws = 10000;
constexpr double kTheirDraws = 40000;

/// The values of each argument, by its name in the fixture.
using Draws = std::map<std::string, std::vector<double>>;

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double x : values) sum += x;
  return sum / static_cast<double>(values.size());
}

/// The mean of (x - mean)^power.
double moment_of(const std::vector<double>& values, int power) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const double x : values) sum += std::pow(x - mean, power);
  return sum / static_cast<double>(values.size());
}

/// What is not as torchvision's: by more than five standard errors, which are those of two samples.
std::set<std::string> wrong_in(const std::vector<double>& values, const json& theirs) {
  constexpr double kErrors = 5;
  const double n = static_cast<double>(values.size()), root = std::sqrt(1 / n + 1 / kTheirDraws);
  const double mean = theirs["mean"], deviation = theirs["deviation"];
  std::set<std::string> wrong;
  if (std::abs(mean_of(values) - mean) > kErrors * deviation * root) wrong.insert("mean");
  const double variance = moment_of(values, 2), kurtosis = moment_of(values, 4) / (variance * variance);
  const double error = std::sqrt(variance * (kurtosis - 1) / 4) * root;
  if (std::abs(std::sqrt(variance) - deviation) > kErrors * error) wrong.insert("deviation");
  for (std::size_t i = 0; i < theirs["points"].size(); ++i) {
    const double point = theirs["points"][i].get<double>() + 1e-3 * deviation, share = theirs["shares"][i];
    const auto below = std::count_if(values.begin(), values.end(), [&](double x) { return x <= point; });
    const double share_error = std::sqrt(std::max(share * (1 - share), 1 / n)) * root;
    if (std::abs(static_cast<double>(below) / n - share) > kErrors * share_error)
      wrong.insert("share up to " + std::to_string(point));
  }
  return wrong;
}

/// Names of what is not as torchvision's.
std::set<std::string> wrong_in(const Draws& draws) {
  const json theirs = test::torchvision()["draws"];
  std::set<std::string> wrong;
  for (const auto& [name, values] : draws) {
    if (!theirs.contains(name)) {
      wrong.insert(name + " is not in the fixture");
      continue;
    }
    for (const std::string& what : wrong_in(values, theirs[name])) wrong.insert(name + ": " + what);
  }
  return wrong;
}

/// Calls note(plan, draws) for the plans of 10,000 images.
Draws draw(const AugmentOptions& options, const std::function<void(const Plan&, Draws&)>& note) {
  Draws draws;
  for (std::uint32_t i = 0; i < kDraws; ++i)
    note(draw_plan(options, kSize, Random(11, RandomPurpose::test, 0, 0, i)), draws);
  return draws;
}

template <class Op>
const Op& only(const Plan& plan) {
  REQUIRE(plan.size() == 1);
  return std::get<Op>(plan[0]);
}

template <class Op>
const Op* find(const Plan& plan, int* place = nullptr) {
  for (std::size_t i = 0; i < plan.size(); ++i)
    if (const auto* op = std::get_if<Op>(&plan[i])) {
      if (place != nullptr) *place = static_cast<int>(i);
      return op;
    }
  return nullptr;
}

TEST_CASE("colour jitter is drawn as torchvision draws it") {
  AugmentOptions options;
  options.color_jitter = {.brightness = 0.4, .contrast = 0.3, .saturation = 0.5, .hue = 0.1};
  const auto note = [](const Plan& plan, Draws& draws) {
    int brightness = 0, contrast = 0, hue = 0;
    draws["jitter brightness"].push_back(static_cast<double>(find<Brightness>(plan, &brightness)->factor));
    draws["jitter contrast"].push_back(static_cast<double>(find<Contrast>(plan, &contrast)->factor));
    draws["jitter saturation"].push_back(static_cast<double>(find<Saturation>(plan)->factor));
    draws["jitter hue"].push_back(static_cast<double>(find<Hue>(plan, &hue)->turns));
    draws["jitter place of brightness"].push_back(brightness);
    draws["jitter hue after contrast"].push_back(hue > contrast);
  };
  CHECK(wrong_in(draw(options, note)) == std::set<std::string>{});
  options.color_jitter->brightness = 0.43;  // a distribution that is a little wider is noticed
  CHECK(wrong_in(draw(options, note)).contains("jitter brightness: deviation"));
}

TEST_CASE("blur, rotation and JPEG quality are drawn as torchvision draws them") {
  AugmentOptions options;
  options.gaussian_blur = {.p = 1};
  options.rotation = {.degrees = 30};
  options.jpeg = {.p = 1};
  const auto note = [](const Plan& plan, Draws& draws) {
    draws["blur sigma"].push_back(static_cast<double>(find<GaussianBlur>(plan)->sigma));
    draws["rotation angle"].push_back(-find<Move>(plan)->movement.angle);
    draws["jpeg quality"].push_back(find<Jpeg>(plan)->quality);
  };
  CHECK(wrong_in(draw(options, note)) == std::set<std::string>{});
  options.jpeg->quality = {31, 95};
  CHECK_FALSE(wrong_in(draw(options, note)).empty());
}

TEST_CASE("affine movements are drawn as torchvision draws them") {
  AugmentOptions options;
  options.affine = {.degrees = 20, .translate = {0.1, 0.2}, .scale = {0.8, 1.3}, .shear = {5, 7}};
  const auto note = [](const Plan& plan, Draws& draws) {
    const Movement& m = only<Move>(plan).movement;
    draws["affine angle"].push_back(m.angle);
    draws["affine x"].push_back(m.translate[0]);
    draws["affine y"].push_back(m.translate[1]);
    draws["affine scale"].push_back(m.scale);
    draws["affine shear x"].push_back(m.shear[0]);
    draws["affine shear y"].push_back(m.shear[1]);
  };
  CHECK(wrong_in(draw(options, note)) == std::set<std::string>{});
}

TEST_CASE("corners of a perspective are drawn as torchvision draws them") {
  AugmentOptions options;
  options.perspective = {.distortion_scale = 0.4, .p = 1};
  const auto note = [](const Plan& plan, Draws& draws) {
    const Corners& corners = only<Perspective>(plan).corners;
    for (std::size_t i = 0; i < 4; ++i) {
      draws[fmt::format("perspective x{}", i)].push_back(corners[i][0]);
      draws[fmt::format("perspective y{}", i)].push_back(corners[i][1]);
    }
  };
  CHECK(wrong_in(draw(options, note)) == std::set<std::string>{});
}

TEST_CASE("erased parts are drawn as torchvision draws them") {
  AugmentOptions options;
  options.random_erasing = {.p = 1};
  const auto note = [](const Plan& plan, Draws& draws) {
    const Part& part = only<Erase>(plan).part;
    draws["erasing i"].push_back(part.top);
    draws["erasing j"].push_back(part.left);
    draws["erasing h"].push_back(part.height);
    draws["erasing w"].push_back(part.width);
    draws["erasing area"].push_back(part.height * part.width);
  };
  CHECK(wrong_in(draw(options, note)) == std::set<std::string>{});
  options.random_erasing->ratio = {0.33, 3};
  CHECK_FALSE(wrong_in(draw(options, note)).empty());
}

TEST_CASE("crops of a given ratio are drawn as torchvision draws them") {
  const auto draw_crops = [](const std::array<double, 2>& ratio) {
    Draws draws;
    for (std::uint32_t i = 0; i < kDraws; ++i) {
      Random random(11, RandomPurpose::test, 0, 0, i);
      const Box box = random_resized_crop(600, 1000, {0.1F, 0.6F}, random, ratio);
      draws["crop top"].push_back(box.top);
      draws["crop left"].push_back(box.left);
      draws["crop height"].push_back(box.height);
      draws["crop width"].push_back(box.width);
      draws["crop ratio"].push_back(static_cast<double>(box.width) / box.height);
    }
    return draws;
  };
  CHECK(wrong_in(draw_crops({0.5, 2.0})) == std::set<std::string>{});
  CHECK(wrong_in(draw_crops({0.75, 4.0 / 3})).contains("crop ratio: deviation"));
}

/// The number of a step's kind in make.py, and its magnitudes, 0 for those of other kinds.
void note_step(const std::string& policy, const Step& step, Draws& draws) {
  const std::vector<bool> kinds{std::holds_alternative<Identity>(step),     std::holds_alternative<Move>(step),
                                std::holds_alternative<Brightness>(step),   std::holds_alternative<Saturation>(step),
                                std::holds_alternative<Contrast>(step),     std::holds_alternative<Sharpness>(step),
                                std::holds_alternative<Posterize>(step),    std::holds_alternative<Solarize>(step),
                                std::holds_alternative<Autocontrast>(step), std::holds_alternative<Equalize>(step)};
  draws[policy + " kind"].push_back(static_cast<double>(std::find(kinds.begin(), kinds.end(), true) - kinds.begin()));
  const auto tangent = [](double degrees) { return std::tan(degrees * std::numbers::pi / 180); };
  const Move none{};
  const auto* moved = std::get_if<Move>(&step);
  const Movement& m = (moved != nullptr ? *moved : none).movement;
  draws[policy + " ShearX"].push_back(tangent(m.shear[0]));
  draws[policy + " ShearY"].push_back(tangent(m.shear[1]));
  draws[policy + " TranslateX"].push_back(m.translate[0]);
  draws[policy + " TranslateY"].push_back(m.translate[1]);
  draws[policy + " Rotate"].push_back(-m.angle);
  const auto* brightness = std::get_if<Brightness>(&step);
  draws[policy + " Brightness"].push_back(brightness != nullptr ? static_cast<double>(brightness->factor) - 1 : 0);
  const auto* posterize = std::get_if<Posterize>(&step);
  draws[policy + " Posterize"].push_back(posterize != nullptr ? posterize->bits : 0);
  const auto* solarize = std::get_if<Solarize>(&step);
  draws[policy + " Solarize"].push_back(solarize != nullptr ? static_cast<double>(solarize->threshold) / 255 : 0);
}

TEST_CASE("RandAugment and TrivialAugment draw as torchvision does") {
  AugmentOptions rand;
  rand.rand_augment.emplace();
  const auto note_rand = [](const Plan& plan, Draws& draws) {
    REQUIRE(plan.size() == 2);
    for (const Step& step : plan) note_step("rand", step, draws);
  };
  CHECK(wrong_in(draw(rand, note_rand)) == std::set<std::string>{});
  rand.rand_augment->magnitude = 10;
  CHECK_FALSE(wrong_in(draw(rand, note_rand)).empty());

  AugmentOptions trivial;
  trivial.trivial_augment_wide.emplace();
  const auto note_trivial = [](const Plan& plan, Draws& draws) {
    REQUIRE(plan.size() == 1);
    note_step("trivial", plan[0], draws);
  };
  CHECK(wrong_in(draw(trivial, note_trivial)) == std::set<std::string>{});
}

TEST_CASE("AugMix draws its chains and its weights as torchvision does") {
  AugmentOptions options;
  options.aug_mix = {.alpha = 0.7};
  const auto note = [](const Plan& plan, Draws& draws) {
    const auto& mix = only<AugMix>(plan);
    REQUIRE(mix.chains.size() == 3);
    draws["mix own"].push_back(static_cast<double>(mix.own));
    draws["mix weight"].push_back(static_cast<double>(mix.weights[0]));
    draws["mix depth"].push_back(static_cast<double>(mix.chains[1].size()));
    for (const Step& step : mix.chains[0]) note_step("mix", step, draws);
    REQUIRE(mix.own + mix.weights[0] + mix.weights[1] + mix.weights[2] == Approx(1).margin(1e-5));
  };
  CHECK(wrong_in(draw(options, note)) == std::set<std::string>{});

  AugmentOptions partial;
  partial.aug_mix = {.severity = 5, .mixture_width = 1, .chain_depth = 2, .all_ops = false};
  const auto note_partial = [](const Plan& plan, Draws& draws) {
    const auto& mix = only<AugMix>(plan);
    REQUIRE((mix.chains.size() == 1 && mix.chains[0].size() == 2));
    for (const Step& step : mix.chains[0]) note_step("partial mix", step, draws);
  };
  CHECK(wrong_in(draw(partial, note_partial)) == std::set<std::string>{});
}

TEST_CASE("mixup and CutMix draw as torchvision does") {
  AugmentOptions mixup, cutmix;
  mixup.mixup = {.alpha = 0.4, .p = 1};
  cutmix.cutmix = {.alpha = 0.6, .p = 1};
  Draws draws;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    const Random random(11, RandomPurpose::test, 0, 2, i);
    draws["mixup share"].push_back(draw_mixture(mixup, kSize, random)->share);
    const Mixture cut = *draw_mixture(cutmix, kSize, random);
    draws["cutmix share"].push_back(cut.share);
    draws["cutmix left"].push_back(cut.part->left);
    draws["cutmix top"].push_back(cut.part->top);
    draws["cutmix right"].push_back(cut.part->left + cut.part->width);
    draws["cutmix bottom"].push_back(cut.part->top + cut.part->height);
  }
  CHECK(wrong_in(draws) == std::set<std::string>{});
}

}  // namespace
}  // namespace tandem::augment
