#include "data/augment/mixing.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "data/augment/dirichlet.h"

namespace tandem::augment {
namespace {

constexpr std::uint32_t kOne = 65536;

/// Rounded, so that labels have the very share that pixels have.
std::uint32_t in_parts(double share) { return static_cast<std::uint32_t>(std::lround(share * kOne)); }

/// As torchvision: its middle is uniform, and what would lie outside is cut off.
Mixture draw_part(const CutmixOptions& options, int size, Random random) {
  const double share = dirichlet(options.alpha, 2, random)[0];
  const auto middle = [&] { return static_cast<int>(random.below(static_cast<std::uint32_t>(size))); };
  const int half = static_cast<int>(0.5 * std::sqrt(1 - share) * size);
  const int x = middle(), y = middle();
  const int left = std::max(0, x - half), right = std::min(size, x + half);
  const int top = std::max(0, y - half), bottom = std::min(size, y + half);
  const Part part{top, left, bottom - top, right - left};
  const double area = static_cast<double>(part.height) * part.width / (static_cast<double>(size) * size);
  return {static_cast<double>(in_parts(1 - area)) / kOne, part};
}

/// Mixes one image with another one.
void mix(const Mixture& mixture, const Square& image, const std::uint8_t* other) {
  if (mixture.part) {
    const Part& part = *mixture.part;
    for (int y = part.top; y < part.top + part.height; ++y) {
      const std::size_t begin =
          static_cast<std::size_t>(y) * image.row_bytes() + static_cast<std::size_t>(part.left) * 3;
      std::copy_n(other + begin, static_cast<std::size_t>(part.width) * 3, image.pixels.data() + begin);
    }
    return;
  }
  const std::uint32_t own = in_parts(mixture.share), rest = kOne - own;
  for (std::size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<std::uint8_t>((image.pixels[i] * own + other[i] * rest + kOne / 2) / kOne);
}

}  // namespace

std::optional<Mixture> draw_mixture(const AugmentOptions& options, int size, const Random& random) {
  const double u = static_cast<double>(random.named("mixing").uniform()), p = options.mixup ? options.mixup->p : 0;
  if (u < p) {
    Random own = random.named("mixup");
    return Mixture{static_cast<double>(in_parts(dirichlet(options.mixup->alpha, 2, own)[0])) / kOne, std::nullopt};
  }
  if (options.cutmix && u < p + options.cutmix->p) return draw_part(*options.cutmix, size, random.named("cutmix"));
  return std::nullopt;
}

void mix_images(const Mixture& mixture, std::span<std::uint8_t> images, int size) {
  const std::size_t bytes = static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3;
  require(bytes > 0 && !images.empty() && images.size() % bytes == 0, "mixing: {} bytes of images of {} pixels",
          images.size(), size);
  const std::size_t count = images.size() / bytes;
  // From the last one on, so that the one before is as it was.
  const std::vector<std::uint8_t> last(images.end() - static_cast<std::ptrdiff_t>(bytes), images.end());
  for (std::size_t i = count; i-- > 0;)
    mix(mixture, {images.subspan(i * bytes, bytes), size}, i == 0 ? last.data() : images.data() + (i - 1) * bytes);
}

std::vector<std::int32_t> labels_of_others(std::span<const std::int32_t> labels) {
  std::vector<std::int32_t> others(labels.begin(), labels.end());
  std::rotate(others.rbegin(), others.rbegin() + 1, others.rend());
  return others;
}

}  // namespace tandem::augment
