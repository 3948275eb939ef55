#pragma once
// The config's "data.augment": how training images are varied. Names and defaults are torchvision's where it has them;
// docs/augmentation.md says in which order the ops are applied.

#include <array>
#include <optional>
#include <string>

#include "core/base/option_keys.h"

namespace tandem {

/// How a pixel between pixels is made by an op that moves them.
enum class Sampling { nearest, bilinear };

constexpr auto enum_names(Sampling) {
  return std::to_array<EnumName<Sampling>>({{Sampling::nearest, "nearest"}, {Sampling::bilinear, "bilinear"}});
}

/// The colour, red, green and blue, of what lies outside the image.
using Fill = std::array<int, 3>;

struct ColorJitterOptions {
  double brightness = 0, contrast = 0, saturation = 0;  ///< The factor is uniform in max(0, 1 - x) .. 1 + x.
  double hue = 0;                                       ///< The shift, in turns, is uniform in -x .. x.
  double p = 1;

  bool operator==(const ColorJitterOptions&) const = default;
};

struct GaussianBlurOptions {
  int kernel_size = 23;
  std::array<double, 2> sigma = {0.1, 2.0};  ///< Pixels; uniform.
  double p = 0.5;

  bool operator==(const GaussianBlurOptions&) const = default;
};

struct RotationOptions {
  double degrees = 15;  ///< Counter-clockwise; uniform in -x .. x.
  Sampling interpolation = Sampling::nearest;
  Fill fill = {};
  double p = 1;

  bool operator==(const RotationOptions&) const = default;
};

struct AffineOptions {
  double degrees = 0;                    ///< Clockwise; uniform in -x .. x.
  std::array<double, 2> translate = {};  ///< Shares of width and height; uniform in -x .. x, in whole pixels.
  std::array<double, 2> scale = {1, 1};  ///< Uniform.
  std::array<double, 2> shear = {};      ///< Degrees along x and y; uniform in -x .. x.
  Sampling interpolation = Sampling::nearest;
  Fill fill = {};
  double p = 1;

  bool operator==(const AffineOptions&) const = default;
};

struct PerspectiveOptions {
  double distortion_scale = 0.5;  ///< A corner moves inwards by up to this share of half the side; uniform.
  Sampling interpolation = Sampling::bilinear;
  Fill fill = {};
  double p = 0.5;

  bool operator==(const PerspectiveOptions&) const = default;
};

struct PosterizeOptions {
  int bits = 4;  ///< That stay of each channel.
  double p = 0.5;

  bool operator==(const PosterizeOptions&) const = default;
};

struct SolarizeOptions {
  double threshold = 128;  ///< From here on a channel is inverted.
  double p = 0.5;

  bool operator==(const SolarizeOptions&) const = default;
};

struct SharpnessOptions {
  double sharpness_factor = 2;  ///< 0: blurred, 1: as it is.
  double p = 0.5;

  bool operator==(const SharpnessOptions&) const = default;
};

struct JpegOptions {
  std::array<int, 2> quality = {30, 95};  ///< Uniform integer.
  double p = 0.5;

  bool operator==(const JpegOptions&) const = default;
};

struct RandomErasingOptions {
  double p = 0.5;
  std::array<double, 2> scale = {0.02, 0.33};  ///< Share of the area; uniform.
  std::array<double, 2> ratio = {0.3, 3.3};    ///< Height by width; log-uniform.
  std::optional<Fill> value = Fill{};          ///< Absent: each channel of each pixel is uniform in 0 .. 255.

  bool operator==(const RandomErasingOptions&) const = default;
};

struct RandAugmentOptions {
  int num_ops = 2;
  int magnitude = 9;
  int num_magnitude_bins = 31;
  Sampling interpolation = Sampling::nearest;
  Fill fill = {};

  bool operator==(const RandAugmentOptions&) const = default;
};

struct TrivialAugmentOptions {
  int num_magnitude_bins = 31;
  Sampling interpolation = Sampling::nearest;
  Fill fill = {};

  bool operator==(const TrivialAugmentOptions&) const = default;
};

struct AugMixOptions {
  int severity = 3;
  int mixture_width = 3;                ///< Chains that are mixed.
  std::optional<int> chain_depth = {};  ///< Ops of a chain. Absent: 1, 2 or 3, uniform.
  double alpha = 1;                     ///< Of the Beta and Dirichlet distributions of the weights.
  bool all_ops = true;                  ///< Also brightness, contrast, saturation and sharpness.
  Sampling interpolation = Sampling::bilinear;
  Fill fill = {};

  bool operator==(const AugMixOptions&) const = default;
};

/// Of a batch of one tower, each image is mixed with the one before it.
struct MixupOptions {
  double alpha = 1;  ///< The share of the image itself is Beta(alpha, alpha).
  double p = 0.5;    ///< Of a batch.

  bool operator==(const MixupOptions&) const = default;
};

/// The same with a rectangle of the other image, whose share of the area is 1 - Beta(alpha, alpha) before it is cut at
/// the edges.
struct CutmixOptions {
  double alpha = 1;
  double p = 0.5;

  bool operator==(const CutmixOptions&) const = default;
};

struct AugmentOptions {
  /// The share of the image's area that a random crop covers, [smallest, largest]. Absent: resize and centre crop.
  std::optional<std::array<double, 2>> random_resized_crop = std::array{0.35, 1.0};
  bool flip = true;                                           ///< Mirror half of the images, at random.
  std::array<double, 2> crop_ratio = {3.0 / 4.0, 4.0 / 3.0};  ///< Width by height of a random crop; log-uniform.
  // Absent, or a probability of 0: off.
  double vertical_flip = 0;
  std::optional<RotationOptions> rotation = {};
  std::optional<AffineOptions> affine = {};
  std::optional<PerspectiveOptions> perspective = {};
  std::optional<RandAugmentOptions> rand_augment = {};
  std::optional<TrivialAugmentOptions> trivial_augment_wide = {};
  std::optional<AugMixOptions> aug_mix = {};
  std::optional<ColorJitterOptions> color_jitter = {};
  double grayscale = 0;
  std::optional<PosterizeOptions> posterize = {};
  std::optional<SolarizeOptions> solarize = {};
  double equalize = 0;
  double autocontrast = 0;
  double invert = 0;
  std::optional<SharpnessOptions> sharpness = {};
  std::optional<GaussianBlurOptions> gaussian_blur = {};
  std::optional<JpegOptions> jpeg = {};
  std::optional<RandomErasingOptions> random_erasing = {};
  std::optional<MixupOptions> mixup = {};
  std::optional<CutmixOptions> cutmix = {};

  /// Whether batches are mixed, so that an image has two labels.
  bool mixes() const { return mixup.has_value() || cutmix.has_value(); }

  bool operator==(const AugmentOptions&) const = default;
};

inline constexpr Range kProbability{.low = 0, .high = 1};
inline constexpr Range kByte{.low = 0, .high = 255};

template <class Keys, Of<ColorJitterOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("brightness", c.brightness, Range{0, 100});
  keys("contrast", c.contrast, Range{0, 100});
  keys("saturation", c.saturation, Range{0, 100});
  keys("hue", c.hue, Range{0, 0.5});
  keys("p", c.p, kProbability);
}

template <class Keys, Of<GaussianBlurOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("kernel_size", c.kernel_size, Range{1, 255});
  keys("sigma", c.sigma, Range{.low = 0, .high = 1000, .without_low = true});
  keys("p", c.p, kProbability);
}

template <class Keys, Of<RotationOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("degrees", c.degrees, Range{0, 180});
  keys("interpolation", c.interpolation);
  keys("fill", c.fill, kByte);
  keys("p", c.p, kProbability);
}

template <class Keys, Of<AffineOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("degrees", c.degrees, Range{0, 180});
  keys("translate", c.translate, Range{0, 1});
  keys("scale", c.scale, Range{0.01, 100});
  keys("shear", c.shear, Range{0, 80});
  keys("interpolation", c.interpolation);
  keys("fill", c.fill, kByte);
  keys("p", c.p, kProbability);
}

template <class Keys, Of<PerspectiveOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("distortion_scale", c.distortion_scale, Range{.low = 0, .high = 1, .without_high = true});
  keys("interpolation", c.interpolation);
  keys("fill", c.fill, kByte);
  keys("p", c.p, kProbability);
}

template <class Keys, Of<PosterizeOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("bits", c.bits, Range{0, 8});
  keys("p", c.p, kProbability);
}

template <class Keys, Of<SolarizeOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("threshold", c.threshold, kByte);
  keys("p", c.p, kProbability);
}

template <class Keys, Of<SharpnessOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("sharpness_factor", c.sharpness_factor, Range{0, 100});
  keys("p", c.p, kProbability);
}

template <class Keys, Of<JpegOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("quality", c.quality, Range{1, 100});
  keys("p", c.p, kProbability);
}

template <class Keys, Of<RandomErasingOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("p", c.p, kProbability);
  keys("scale", c.scale, Range{0, 1});
  keys("ratio", c.ratio, Range{0.01, 100});
  keys("value", c.value, kByte);
}

template <class Keys, Of<RandAugmentOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("num_ops", c.num_ops, Range{1, 16});
  keys("magnitude", c.magnitude, Range{0, 1000});
  keys("num_magnitude_bins", c.num_magnitude_bins, Range{2, 1001});
  keys("interpolation", c.interpolation);
  keys("fill", c.fill, kByte);
}

template <class Keys, Of<TrivialAugmentOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("num_magnitude_bins", c.num_magnitude_bins, Range{2, 1001});
  keys("interpolation", c.interpolation);
  keys("fill", c.fill, kByte);
}

template <class Keys, Of<AugMixOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("severity", c.severity, Range{1, 10});
  keys("mixture_width", c.mixture_width, Range{1, 16});
  keys("chain_depth", c.chain_depth, Range{1, 16});
  keys("alpha", c.alpha, Range{.low = 0.01, .high = 1000});
  keys("all_ops", c.all_ops);
  keys("interpolation", c.interpolation);
  keys("fill", c.fill, kByte);
}

template <class Keys, Of<MixupOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("alpha", c.alpha, Range{.low = 0.01, .high = 1000});
  keys("p", c.p, kProbability);
}

template <class Keys, Of<CutmixOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("alpha", c.alpha, Range{.low = 0.01, .high = 1000});
  keys("p", c.p, kProbability);
}

template <class Keys, Of<AugmentOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("random_resized_crop", c.random_resized_crop, Range{.low = 0, .high = 1, .without_low = true});
  keys("crop_ratio", c.crop_ratio, Range{0.01, 100});
  keys("flip", c.flip);
  keys("vertical_flip", c.vertical_flip, kProbability);
  keys("rotation", c.rotation);
  keys("affine", c.affine);
  keys("perspective", c.perspective);
  keys("rand_augment", c.rand_augment);
  keys("trivial_augment_wide", c.trivial_augment_wide);
  keys("aug_mix", c.aug_mix);
  keys("color_jitter", c.color_jitter);
  keys("grayscale", c.grayscale, kProbability);
  keys("posterize", c.posterize);
  keys("solarize", c.solarize);
  keys("equalize", c.equalize, kProbability);
  keys("autocontrast", c.autocontrast, kProbability);
  keys("invert", c.invert, kProbability);
  keys("sharpness", c.sharpness);
  keys("gaussian_blur", c.gaussian_blur);
  keys("jpeg", c.jpeg);
  keys("random_erasing", c.random_erasing);
  keys("mixup", c.mixup);
  keys("cutmix", c.cutmix);
}

/// Of a pair of bounds the smaller one comes first.
template <class Number>
void check_bounds(std::string key, const std::array<Number, 2>& bounds, OptionProblems& problems) {
  if (bounds[0] > bounds[1]) problems.push_back({std::move(key), "the smaller number first"});
}

inline void check_options(const GaussianBlurOptions& c, OptionProblems& problems) {
  if (c.kernel_size % 2 == 0) problems.push_back({"/kernel_size", "an odd number"});
  check_bounds("/sigma", c.sigma, problems);
}

inline void check_options(const AffineOptions& c, OptionProblems& problems) {
  check_bounds("/scale", c.scale, problems);
}

inline void check_options(const JpegOptions& c, OptionProblems& problems) {
  check_bounds("/quality", c.quality, problems);
}

inline void check_options(const RandomErasingOptions& c, OptionProblems& problems) {
  check_bounds("/scale", c.scale, problems);
  check_bounds("/ratio", c.ratio, problems);
}

inline void check_options(const RandAugmentOptions& c, OptionProblems& problems) {
  if (c.magnitude >= c.num_magnitude_bins)
    problems.push_back(
        {"/magnitude", fmt::format("a number below num_magnitude_bins, which is {}", c.num_magnitude_bins)});
}

inline void check_options(const AugmentOptions& c, OptionProblems& problems) {
  if (c.random_resized_crop && (*c.random_resized_crop)[0] > (*c.random_resized_crop)[1])
    problems.push_back({"/random_resized_crop", "the smallest share of the area first"});
  check_bounds("/crop_ratio", c.crop_ratio, problems);
  if (!c.random_resized_crop && c.crop_ratio != AugmentOptions().crop_ratio)
    problems.push_back({"/crop_ratio", ", since /data/augment/random_resized_crop is null", true});
  if (c.mixup && c.cutmix && c.mixup->p + c.cutmix->p > 1)
    problems.push_back({"/cutmix/p", fmt::format("at most 1 together with mixup's p, which is {}", c.mixup->p)});
}

}  // namespace tandem
