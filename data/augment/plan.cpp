#include "data/augment/plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "data/augment/ops/color.h"
#include "data/augment/ops/filter.h"
#include "data/augment/policies.h"

namespace tandem::augment {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

double uniform(double low, double high, Random& random) {
  return random.uniform(static_cast<float>(low), static_cast<float>(high));
}
/// Uniform in -x .. x.
double either_way(double x, Random& random) { return uniform(-x, x, random); }
/// Uniform in low .. high, both included.
int between(int low, int high, Random& random) {
  return low + static_cast<int>(random.below(static_cast<std::uint32_t>(high - low + 1)));
}
double log_uniform(const std::array<double, 2>& range, Random& random) {
  return std::exp(uniform(std::log(range[0]), std::log(range[1]), random));
}

// --- The arguments of each op ----------------------------------------------------------------------------------------

void draw(const RotationOptions& options, int, Random& random, Plan& plan) {
  plan.push_back(Move{{.angle = -either_way(options.degrees, random)}, {options.interpolation, options.fill}});
}

void draw(const AffineOptions& options, int size, Random& random, Plan& plan) {
  Movement movement;
  movement.angle = either_way(options.degrees, random);
  for (std::size_t axis = 0; axis < 2; ++axis)
    movement.translate[axis] = std::nearbyint(either_way(options.translate[axis] * size, random));
  movement.scale = uniform(options.scale[0], options.scale[1], random);
  for (std::size_t axis = 0; axis < 2; ++axis) movement.shear[axis] = either_way(options.shear[axis], random);
  plan.push_back(Move{movement, {options.interpolation, options.fill}});
}

void draw(const PerspectiveOptions& options, int size, Random& random, Plan& plan) {
  const int half = size / 2;
  const int most = static_cast<int>(options.distortion_scale * half);
  const auto near = [&] { return between(0, most, random); };
  const auto far = [&] { return size - 1 - near(); };
  Perspective step{{}, {options.interpolation, options.fill}};
  for (std::size_t i = 0; i < step.corners.size(); ++i) {
    step.corners[i][0] = i == 1 || i == 2 ? far() : near();
    step.corners[i][1] = i >= 2 ? far() : near();
  }
  plan.push_back(step);
}

/// The four in random order, each with its factor.
void draw(const ColorJitterOptions& options, int, Random& random, Plan& plan) {
  const auto factor = [&](double x) { return static_cast<float>(uniform(std::max(0.0, 1 - x), 1 + x, random)); };
  std::array<Step, 4> steps{Brightness{factor(options.brightness)}, Contrast{factor(options.contrast)},
                            Saturation{factor(options.saturation)},
                            Hue{static_cast<float>(either_way(options.hue, random))}};
  const std::array on{options.brightness > 0, options.contrast > 0, options.saturation > 0, options.hue > 0};
  std::array<std::size_t, 4> order{0, 1, 2, 3};
  for (std::uint32_t i = 4; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  for (const std::size_t i : order)
    if (on[i]) plan.push_back(steps[i]);
}

void draw(const PosterizeOptions& options, int, Random&, Plan& plan) { plan.push_back(Posterize{options.bits}); }
void draw(const SolarizeOptions& options, int, Random&, Plan& plan) {
  plan.push_back(Solarize{static_cast<float>(options.threshold)});
}
void draw(const SharpnessOptions& options, int, Random&, Plan& plan) {
  plan.push_back(Sharpness{static_cast<float>(options.sharpness_factor)});
}
void draw(const GaussianBlurOptions& options, int, Random& random, Plan& plan) {
  plan.push_back(
      GaussianBlur{options.kernel_size, static_cast<float>(uniform(options.sigma[0], options.sigma[1], random))});
}
void draw(const JpegOptions& options, int, Random& random, Plan& plan) {
  plan.push_back(Jpeg{between(options.quality[0], options.quality[1], random)});
}

/// As torchvision, nothing where ten parts in a row do not fit.
void draw(const RandomErasingOptions& options, int size, Random& random, Plan& plan) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = uniform(options.scale[0], options.scale[1], random) * size * size;
    const double ratio = log_uniform(options.ratio, random);
    const int height = static_cast<int>(std::nearbyint(std::sqrt(area * ratio)));
    const int width = static_cast<int>(std::nearbyint(std::sqrt(area / ratio)));
    if (height >= size || width >= size) continue;
    const int top = between(0, size - height, random), left = between(0, size - width, random);
    plan.push_back(Erase{{top, left, height, width}, options.value, random.named("noise")});
    return;
  }
}

void draw(const RandAugmentOptions& options, int size, Random& random, Plan& plan) {
  for (Step& step : draw_rand_augment(options, size, random)) plan.push_back(std::move(step));
}
void draw(const TrivialAugmentOptions& options, int, Random& random, Plan& plan) {
  for (Step& step : draw_trivial_augment(options, random)) plan.push_back(std::move(step));
}
void draw(const AugMixOptions& options, int size, Random& random, Plan& plan) {
  plan.push_back(draw_aug_mix(options, size, random));
}

// --- The plan --------------------------------------------------------------------------------------------------------

/// The step of an option that is nothing but a probability, by its key.
std::optional<Step> simple_step(std::string_view key) {
  if (key == "vertical_flip") return VerticalFlip{};
  if (key == "grayscale") return Grayscale{};
  if (key == "equalize") return Equalize{};
  if (key == "autocontrast") return Autocontrast{};
  if (key == "invert") return Invert{};
  return std::nullopt;
}

/// Called with the key and the value of each option.
class PlanMaker {
 public:
  PlanMaker(int size, const Random& random) : size_(size), random_(random) {}

  template <class Options>
  void operator()(const char* key, const std::optional<Options>& options, const Range& = {}) {
    if constexpr (requires(Random & random) { draw(*options, 0, random, plan_); }) {
      if (!options) return;
      Random random = random_.named(key);
      if constexpr (requires { options->p; })
        if (!happens(options->p, random)) return;
      draw(*options, size_, random, plan_);
    }
  }
  void operator()(const char* key, double p, const Range&) {
    const std::optional<Step> step = simple_step(key);
    require(step.has_value(), "augmentation: {} has no step", key);
    if (p == 0) return;
    Random random = random_.named(key);
    if (happens(p, random)) plan_.push_back(*step);
  }
  // The crop and the mirroring come before (data/image/transform.h).
  void operator()(const char*, bool) {}
  void operator()(const char*, const std::array<double, 2>&, const Range&) {}

  Plan take() { return std::move(plan_); }

 private:
  static bool happens(double p, Random& random) { return static_cast<double>(random.uniform()) < p; }

  int size_;
  const Random& random_;
  Plan plan_;
};

// --- Applying --------------------------------------------------------------------------------------------------------

void apply(const Plan& plan, const Square& image, Scratch& scratch);

void apply(const AugMix& mix, const Square& image, Scratch& scratch) {
  std::vector<float> sums(image.pixels.size());
  std::transform(image.pixels.begin(), image.pixels.end(), sums.begin(),
                 [&](std::uint8_t x) { return mix.own * static_cast<float>(x); });
  std::vector<std::uint8_t> pixels;
  for (std::size_t i = 0; i < mix.chains.size(); ++i) {
    pixels.assign(image.pixels.begin(), image.pixels.end());
    apply(mix.chains[i], {pixels, image.size}, scratch);
    for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += mix.weights[i] * static_cast<float>(pixels[k]);
  }
  for (std::size_t k = 0; k < sums.size(); ++k) image.pixels[k] = static_cast<std::uint8_t>(std::min(sums[k], 255.0F));
}

void apply(const Step& step, const Square& image, Scratch& scratch) {
  std::visit(
      Overloaded{[](const Identity&) {}, [&](const VerticalFlip&) { flip_vertically(image); },
                 [&](const Move& s) { move(image, s.movement, s.surroundings, scratch); },
                 [&](const Perspective& s) { change_perspective(image, s.corners, s.surroundings, scratch); },
                 [&](const Brightness& s) { adjust_brightness(image, s.factor); },
                 [&](const Contrast& s) { adjust_contrast(image, s.factor); },
                 [&](const Saturation& s) { adjust_saturation(image, s.factor); },
                 [&](const Hue& s) { adjust_hue(image, s.turns); }, [&](const Grayscale&) { grayscale(image); },
                 [&](const Posterize& s) { posterize(image, s.bits); },
                 [&](const Solarize& s) { solarize(image, s.threshold); }, [&](const Equalize&) { equalize(image); },
                 [&](const Autocontrast&) { autocontrast(image); }, [&](const Invert&) { invert(image); },
                 [&](const Sharpness& s) { adjust_sharpness(image, s.factor, scratch); },
                 [&](const GaussianBlur& s) { gaussian_blur(image, s.kernel_size, s.sigma, scratch); },
                 [&](const Jpeg& s) { degrade_jpeg(image, s.quality); },
                 [&](const Erase& s) { erase(image, s.part, s.value, s.noise); },
                 [&](const AugMix& s) { apply(s, image, scratch); }},
      step);
}

void apply(const Plan& plan, const Square& image, Scratch& scratch) {
  for (const Step& step : plan) apply(step, image, scratch);
}

}  // namespace

Plan draw_plan(const AugmentOptions& options, int size, const Random& random) {
  PlanMaker maker(size, random);
  visit_keys(maker, options);
  return maker.take();
}

void apply(const Plan& plan, const Square& image) {
  Scratch scratch;
  apply(plan, image, scratch);
}

void augment_square(const AugmentOptions& options, std::span<std::uint8_t> pixels, int size, const Random& random) {
  apply(draw_plan(options, size, random), {pixels, size});
}

}  // namespace tandem::augment
