// The keys of data.augment.

#include "tests/support/catch.h"
#include "tests/train/config/small_config.h"

namespace tandem {
namespace {

using test::contains;

/// The error for these keys of data.augment.
std::string error_of_augment(const std::string& keys) {
  return test::error_in(R"({"data": {"train": {"list": "a"}, "image_size": 32, "augment": {)" + keys + "}}}");
}

TEST_CASE("every option of augmentation is written and read back") {
  Config c;
  c.data.train[0].list = "a";
  AugmentOptions& a = c.data.augment;
  a.crop_ratio = {0.5, 3};
  a.vertical_flip = 0.25;
  a.rotation = {.degrees = 7, .interpolation = Sampling::bilinear, .fill = {1, 2, 3}, .p = 0.125};
  a.affine = {.degrees = 1, .translate = {0.1, 0.2}, .scale = {0.5, 2}, .shear = {3, 4}, .p = 0.5};
  a.perspective = {.distortion_scale = 0.25, .interpolation = Sampling::nearest, .p = 0.75};
  a.rand_augment = {.num_ops = 3, .magnitude = 4, .num_magnitude_bins = 11};
  a.trivial_augment_wide = {.num_magnitude_bins = 21};
  a.aug_mix = {.severity = 2, .mixture_width = 4, .chain_depth = 5, .alpha = 0.5, .all_ops = false};
  a.color_jitter = {.brightness = 0.1, .contrast = 0.2, .saturation = 0.3, .hue = 0.4, .p = 0.8};
  a.grayscale = 0.1;
  a.posterize = {.bits = 3, .p = 0.2};
  a.solarize = {.threshold = 99.5, .p = 0.3};
  a.equalize = 0.2;
  a.autocontrast = 0.3;
  a.invert = 0.4;
  a.sharpness = {.sharpness_factor = 3, .p = 0.4};
  a.gaussian_blur = {.kernel_size = 5, .sigma = {0.5, 1}, .p = 0.6};
  a.jpeg = {.quality = {20, 30}, .p = 0.7};
  a.random_erasing = {.p = 0.9, .scale = {0.1, 0.2}, .ratio = {0.5, 2}, .value = std::nullopt};
  a.mixup = {.alpha = 0.2, .p = 0.25};
  a.cutmix = {.alpha = 0.3, .p = 0.75};
  c.loss.contrastive.weight = 0;
  CHECK(test::parse(to_json(c).dump()) == c);
  Config plain;
  plain.data.train[0].list = "a";
  CHECK(test::parse(R"({"data": {"train": {"list": "a"}, "augment": {"flip": true}}})") == plain);
  CHECK(to_json(plain)["data"]["augment"]["rand_augment"].is_null());
  const Config set = test::parse(to_json(plain).dump(), {"data.augment.rand_augment.magnitude=5"});
  CHECK(set.data.augment.rand_augment == RandAugmentOptions{.magnitude = 5});
}

TEST_CASE("bad options of augmentation are refused with their place and what was expected") {
  const std::vector<std::pair<const char*, const char*>> refused = {
      {R"("rand_augment": {"n": 2})", "/data/augment/rand_augment/n: unknown key"},
      {R"("rand_augment": true)", "/data/augment/rand_augment: got true, expected an object"},
      {R"("rand_augment": {"magnitude": 31})", "got 31, expected a number below num_magnitude_bins, which is 31"},
      {R"("grayscale": 1.5)", "/data/augment/grayscale: got 1.5, expected a number, at least 0 and at most 1"},
      {R"("grayscale": true)", "/data/augment/grayscale: got true"},
      {R"("color_jitter": {"hue": 0.6})", "/data/augment/color_jitter/hue: got 0.6"},
      {R"("gaussian_blur": {"kernel_size": 4})", "/kernel_size: got 4, expected an odd number"},
      {R"("gaussian_blur": {"kernel_size": 65})",
       "got 65, expected a number below twice /data/image_size, which is 32"},
      {R"("gaussian_blur": {"sigma": [2, 1]})",
       "/gaussian_blur/sigma: got [2.0,1.0], expected the smaller number first"},
      {R"("affine": {"scale": [2, 1]})", "/affine/scale: got [2.0,1.0], expected the smaller number first"},
      {R"("affine": {"shear": 5})", "/affine/shear: got 5, expected a list of 2 numbers"},
      {R"("affine": {"interpolation": "cubic"})", R"(got "cubic", expected one of "nearest", "bilinear")"},
      {R"("jpeg": {"quality": [50, 40]})", "/jpeg/quality: got [50,40], expected the smaller number first"},
      {R"("jpeg": {"quality": [0, 40]})", "/jpeg/quality/0: got 0"},
      {R"("posterize": {"bits": 9})", "/posterize/bits: got 9"},
      {R"("perspective": {"distortion_scale": 1})", "/perspective/distortion_scale: got 1"},
      {R"("perspective": {"fill": [0, 0, 256]})", "/perspective/fill/2: got 256"},
      {R"("random_erasing": {"ratio": [2, 1]})", "/random_erasing/ratio: got [2.0,1.0]"},
      {R"("random_erasing": {"value": 3})", "/random_erasing/value: got 3, expected a list of 3 numbers"},
      {R"("aug_mix": {"severity": 11})", "/aug_mix/severity: got 11"},
      {R"("mixup": {})", "/data/augment/mixup: mixed images have two labels, so that no loss of pairs can be trained"},
      {R"("cutmix": {"p": 0})", "/data/augment/cutmix: mixed images have two labels"},
      {R"("mixup": {"alpha": 0})", "/data/augment/mixup/alpha: got 0"},
      {R"("crop_ratio": [2, 1])", "/crop_ratio: got [2.0,1.0], expected the smaller number first"},
      {R"("random_resized_crop": null, "crop_ratio": [1, 1])", "since /data/augment/random_resized_crop is null"}};
  for (const auto& [keys, message] : refused) {
    const std::string error = error_of_augment(keys);
    INFO(keys << " -> " << error);
    CHECK(contains(error, "2: my.json: /data/augment"));
    CHECK(contains(error, message));
  }
  CHECK(contains(test::error_in(R"({"data": {"train": {"list": "a"}}, "pairs": {"batch": 8, "repeat": 3}})"),
                 "/pairs/repeat: got 3, expected a divisor of /pairs/batch, which is 8"));
  const std::string softmax =
      R"({"loss": {"contrastive": {"weight": 0}}, "data": {"train": {"list": "a"}, "augment": )";
  // Also where the pairs train no head.
  CHECK(contains(test::error_in(R"({"data": {"train": {"list": "a"}, "augment": {"mixup": {}}},
                                    "loss": {"contrastive": {"weight": 0}, "supcon": {"weight": 1, "on": "features"}}})"),
                 "no loss of pairs can be trained"));
  CHECK(test::error_in(softmax + R"({"mixup": {}, "cutmix": {}}}})").empty());
  CHECK(contains(test::error_in(softmax + R"({"mixup": {"p": 0.7}, "cutmix": {}}}})"),
                 "/data/augment/cutmix/p: got 0.5, expected at most 1 together with mixup's p, which is 0.7"));
  CHECK(error_of_augment(R"("gaussian_blur": {"kernel_size": 63}, "rand_augment": {}, "aug_mix": {})").empty());
}

}  // namespace
}  // namespace tandem
