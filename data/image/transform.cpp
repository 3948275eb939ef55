#include "data/image/transform.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/base/error.h"
#include "data/augment/plan.h"

namespace tandem {
namespace {

/// How the whole image is resized before the middle is cut out.
Resizing whole_resized(int height, int width, const InputGeometry& input) {
  Resizing all{{0, 0, height, width}, input.resize, input.resize, {}, false, input.resampling};
  const std::int64_t shorter = std::min(height, width), longer = std::max(height, width);
  if (input.letterbox) {
    const std::int64_t rounded = (2 * shorter * input.resize + longer) / (2 * longer);
    (height <= width ? all.height : all.width) = static_cast<int>(std::max<std::int64_t>(1, rounded));
  } else if (!input.squash) {
    // The longer side is cut to an integer, as in torchvision.
    (height <= width ? all.width : all.height) = static_cast<int>(input.resize * longer / shorter);
  }
  return all;
}

/// Turns RGB into the order that the network expects.
void order_channels(const InputGeometry& input, std::span<std::uint8_t> pixels) {
  if (!input.bgr) return;
  for (std::size_t i = 0; i + 2 < pixels.size(); i += 3) std::swap(pixels[i], pixels[i + 2]);
}

/// Paints what the framed pixels leave free.
void paint_letterbox(const Framing& framing, const InputGeometry& input, std::span<std::uint8_t> out) {
  const Box& window = framing.resizing.window;
  if (!input.letterbox || (window.height == input.size && window.width == input.size)) return;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>((*input.letterbox)[i % 3]);
}

/// Writes the square that `framing` shows. The first pixel of `part` is (top, left) of the picture that the resizer
/// expects.
void show(const Framing& framing, const Resizer& resizer, const Image& part, int top, int left,
          const InputGeometry& input, std::span<std::uint8_t> out) {
  const std::size_t row = static_cast<std::size_t>(input.size) * 3;
  require(out.size() == row * static_cast<std::size_t>(input.size), "transform: output of {} bytes: expected {}",
          out.size(), row * static_cast<std::size_t>(input.size));
  paint_letterbox(framing, input, out);
  const std::size_t first = static_cast<std::size_t>(framing.top) * row + static_cast<std::size_t>(framing.left) * 3;
  resizer.run(part, top, left, out.data() + first, row);
}

void show(const Framing& framing, const Image& image, const InputGeometry& input, std::span<std::uint8_t> out) {
  show(framing, Resizer(framing.resizing, {image.height, image.width}), image, 0, 0, input, out);
}

void show(const Framing& framing, const EncodedImage& image, int eighths, const InputGeometry& input,
          std::span<std::uint8_t> out) {
  const Resizer resizer(framing.resizing, image.storage(eighths));
  const StoredPart part = image.decode(resizer.needed(), eighths);
  show(framing, resizer, part.pixels, part.top, part.left, input, out);
}

/// Draws the framing of an image for training, lets show(framing) write its square, and finishes that.
template <class Show>
void train_square(int height, int width, const InputGeometry& input, const AugmentOptions& augment, Random random,
                  std::span<std::uint8_t> out, const Show& show_framed) {
  show_framed(train_framing(height, width, input, augment, random));
  augment::augment_square(augment, out, input.size, random);
  order_channels(input, out);
}

}  // namespace

InputGeometry::InputGeometry(int side) : InputGeometry(InputOptions(), side) {}

InputGeometry::InputGeometry(const InputOptions& options, int side)
    : size(side),
      resize(static_cast<int>(std::lround(side / options.crop))),
      squash(options.resize == InputOptions::Resize::squash),
      resampling{options.interpolation, options.antialias},
      bgr(options.channels == InputOptions::Channels::bgr) {
  if (options.resize == InputOptions::Resize::letterbox) letterbox = options.fill;
}

Box random_resized_crop(int height, int width, std::array<float, 2> scale, Random& random,
                        std::array<double, 2> ratio) {
  const auto [narrowest, widest] = ratio;
  const double area = static_cast<double>(height) * width;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double crop_area = area * random.uniform(scale[0], scale[1]);
    const double aspect = narrowest * std::pow(widest / narrowest, static_cast<double>(random.uniform()));
    const auto w = static_cast<int>(std::lround(std::sqrt(crop_area * aspect)));
    const auto h = static_cast<int>(std::lround(std::sqrt(crop_area / aspect)));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const auto top = static_cast<int>(random.below(static_cast<std::uint32_t>(height - h + 1)));
    const auto left = static_cast<int>(random.below(static_cast<std::uint32_t>(width - w + 1)));
    return {top, left, h, w};
  }
  const double aspect = static_cast<double>(width) / height;
  int w = width;
  int h = height;
  if (aspect < narrowest) h = std::max(1, static_cast<int>(std::lround(w / narrowest)));
  if (aspect > widest) w = std::max(1, static_cast<int>(std::lround(h * widest)));
  return {(height - h) / 2, (width - w) / 2, h, w};
}

bool draw_flip(const AugmentOptions& augment, Random& random) { return augment.flip && random.below(2) == 1; }

Framing train_framing(int height, int width, const InputGeometry& input, const AugmentOptions& augment,
                      Random& random) {
  const bool flip = draw_flip(augment, random);
  Framing framing;
  if (augment.random_resized_crop) {
    const auto [smallest, largest] = *augment.random_resized_crop;
    const std::array<float, 2> scale{static_cast<float>(smallest), static_cast<float>(largest)};
    const int size = input.size;
    framing.resizing = {random_resized_crop(height, width, scale, random, augment.crop_ratio),
                        size,
                        size,
                        {0, 0, size, size},
                        false,
                        input.resampling};
  } else {
    framing = eval_framing(height, width, input);
  }
  framing.resizing.flip = flip;
  if (flip) framing.left = input.size - framing.left - framing.resizing.window.width;
  return framing;
}

Framing eval_framing(int height, int width, const InputGeometry& input) {
  const int size = input.size;
  // The middle rounds half to even, as in torchvision.
  const auto middle = [](int longer, int shorter) {
    return static_cast<int>(std::nearbyint((longer - shorter) / 2.0));
  };
  Framing framing{whole_resized(height, width, input)};
  Resizing& all = framing.resizing;
  const int rows = std::min(size, all.height), columns = std::min(size, all.width);
  all.window = {middle(all.height, rows), middle(all.width, columns), rows, columns};
  framing.top = middle(size, rows);
  framing.left = middle(size, columns);
  return framing;
}

int reduction(const Resizing& resizing) {
  if (!resizing.resampling.antialias) return 8;
  const auto leaves = [](int from, int to, int eighths) {
    return std::int64_t{from} * eighths >= std::int64_t{to} * 8;
  };
  for (const int eighths : {1, 2, 4})
    if (leaves(resizing.source.height, resizing.height, eighths) &&
        leaves(resizing.source.width, resizing.width, eighths))
      return eighths;
  return 8;
}

void train_transform(const Image& image, const InputGeometry& input, const AugmentOptions& augment, Random random,
                     std::span<std::uint8_t> out) {
  train_square(image.height, image.width, input, augment, random, out,
               [&](const Framing& framing) { show(framing, image, input, out); });
}

void train_transform(const EncodedImage& image, const InputGeometry& input, const AugmentOptions& augment, bool reduced,
                     Random random, std::span<std::uint8_t> out) {
  train_square(image.height(), image.width(), input, augment, random, out, [&](const Framing& framing) {
    show(framing, image, reduced && image.reducible() ? reduction(framing.resizing) : 8, input, out);
  });
}

void eval_transform(const Image& image, const InputGeometry& input, std::span<std::uint8_t> out) {
  show(eval_framing(image.height, image.width, input), image, input, out);
  order_channels(input, out);
}

void eval_transform(const EncodedImage& image, const InputGeometry& input, std::span<std::uint8_t> out) {
  show(eval_framing(image.height(), image.width(), input), image, 8, input, out);
  order_channels(input, out);
}

}  // namespace tandem
