#include "data/augment/policies.h"

#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "core/base/error.h"
#include "data/augment/dirichlet.h"

namespace tandem::augment {
namespace {

enum class Kind {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  color,
  contrast,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize
};

/// RandAugment's and TrivialAugment's, in torchvision's order.
constexpr std::array kKinds = {Kind::identity,     Kind::shear_x,   Kind::shear_y,    Kind::translate_x,
                               Kind::translate_y,  Kind::rotate,    Kind::brightness, Kind::color,
                               Kind::contrast,     Kind::sharpness, Kind::posterize,  Kind::solarize,
                               Kind::autocontrast, Kind::equalize};
/// AugMix's; without all_ops the first nine.
constexpr std::array kMixKinds = {Kind::shear_x,  Kind::shear_y,    Kind::translate_x, Kind::translate_y,
                                  Kind::rotate,   Kind::posterize,  Kind::solarize,    Kind::autocontrast,
                                  Kind::equalize, Kind::brightness, Kind::color,       Kind::contrast,
                                  Kind::sharpness};

/// The largest magnitudes; the smallest are 0 and change nothing.
struct Strengths {
  double shear;                // tangent
  double translate;            // pixels
  double rotate;               // degrees
  double color;                // distance of the factor from 1, of brightness, saturation, contrast and sharpness
  int bits_before, bits_lost;  // of posterize
};

/// Of magnitudes numbered from 0 to bins - 1, number `bin` on the way to `largest`.
double magnitude(double largest, int bin, int bins) { return largest * bin / (bins - 1); }

/// Draws the signs of what has one.
class StepMaker {
 public:
  StepMaker(const Strengths& strengths, const Surroundings& surroundings, int bins, Random& random)
      : strengths_(strengths), surroundings_(surroundings), bins_(bins), random_(random) {}

  Step operator()(Kind kind, int bin) {
    switch (kind) {
      case Kind::identity:
        return Identity{};
      case Kind::shear_x:
        return shear(0, bin);
      case Kind::shear_y:
        return shear(1, bin);
      case Kind::translate_x:
        return translate(0, bin);
      case Kind::translate_y:
        return translate(1, bin);
      case Kind::rotate:
        return Move{{.angle = -signed_magnitude(strengths_.rotate, bin)}, surroundings_};
      case Kind::brightness:
        return Brightness{factor(bin)};
      case Kind::color:
        return Saturation{factor(bin)};
      case Kind::contrast:
        return Contrast{factor(bin)};
      case Kind::sharpness:
        return Sharpness{factor(bin)};
      case Kind::posterize:  // half to even, as torchvision
        return Posterize{
            static_cast<int>(std::nearbyint(strengths_.bits_before - magnitude(strengths_.bits_lost, bin, bins_)))};
      case Kind::solarize:
        return Solarize{static_cast<float>(255 - magnitude(255, bin, bins_))};
      case Kind::autocontrast:
        return Autocontrast{};
      case Kind::equalize:
        return Equalize{};
    }
    fail("a kind of augmentation that is not known");
  }

 private:
  double signed_magnitude(double largest, int bin) {
    const bool negative = random_.below(2) == 1;
    return negative ? -magnitude(largest, bin, bins_) : magnitude(largest, bin, bins_);
  }
  float factor(int bin) { return static_cast<float>(1 + signed_magnitude(strengths_.color, bin)); }
  Step shear(std::size_t axis, int bin) {
    Movement movement{.about_corner = true};
    movement.shear[axis] = std::atan(signed_magnitude(strengths_.shear, bin)) * 180 / std::numbers::pi;
    return Move{movement, surroundings_};
  }
  Step translate(std::size_t axis, int bin) {
    Movement movement;
    movement.translate[axis] = std::trunc(signed_magnitude(strengths_.translate, bin));
    return Move{movement, surroundings_};
  }

  const Strengths& strengths_;
  const Surroundings& surroundings_;
  int bins_;
  Random& random_;
};

template <class Kinds>
Kind draw_kind(const Kinds& kinds, Random& random) {
  return kinds[random.below(static_cast<std::uint32_t>(kinds.size()))];
}

}  // namespace

Plan draw_rand_augment(const RandAugmentOptions& options, int size, Random random) {
  const Strengths strengths{0.3, 150.0 / 331 * size, 30, 0.9, 8, 4};
  const Surroundings surroundings{options.interpolation, options.fill};
  StepMaker make(strengths, surroundings, options.num_magnitude_bins, random);
  Plan plan;
  for (int i = 0; i < options.num_ops; ++i) plan.push_back(make(draw_kind(kKinds, random), options.magnitude));
  return plan;
}

Plan draw_trivial_augment(const TrivialAugmentOptions& options, Random random) {
  const Strengths strengths{0.99, 32, 135, 0.99, 8, 6};
  const Surroundings surroundings{options.interpolation, options.fill};
  StepMaker make(strengths, surroundings, options.num_magnitude_bins, random);
  const Kind kind = draw_kind(kKinds, random);
  return {make(kind, static_cast<int>(random.below(static_cast<std::uint32_t>(options.num_magnitude_bins))))};
}

AugMix draw_aug_mix(const AugMixOptions& options, int size, Random random) {
  constexpr int kBins = 10;
  const Strengths strengths{0.3, size / 3.0, 30, 0.9, 4, 4};
  const Surroundings surroundings{options.interpolation, options.fill};
  const std::span<const Kind> kinds(kMixKinds.data(), options.all_ops ? kMixKinds.size() : 9);
  AugMix mix;
  const std::vector<double> parts = dirichlet(options.alpha, 2, random);
  mix.own = static_cast<float>(parts[0]);
  for (const double share : dirichlet(options.alpha, options.mixture_width, random))
    mix.weights.push_back(static_cast<float>(share * parts[1]));
  StepMaker make(strengths, surroundings, kBins, random);
  for (int i = 0; i < options.mixture_width; ++i) {
    Plan& chain = mix.chains.emplace_back();
    const int depth = options.chain_depth.value_or(1 + static_cast<int>(random.below(3)));
    for (int k = 0; k < depth; ++k) {
      const Kind kind = draw_kind(kinds, random);
      chain.push_back(make(kind, static_cast<int>(random.below(static_cast<std::uint32_t>(options.severity)))));
    }
  }
  return mix;
}

}  // namespace tandem::augment
