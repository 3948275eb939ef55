#include "tools/preview/preview.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "data/augment/plan.h"
#include "data/image/transform.h"
#include "data/loader/loader.h"
#include "train/loop/session.h"

namespace tandem::tools {
namespace {

/// Image number `i` of a batch.
Image image_of(const Batch& batch, std::size_t i, bool bgr) {
  const std::size_t bytes = static_cast<std::size_t>(batch.size) * static_cast<std::size_t>(batch.size) * 3;
  const auto begin = batch.pixels.begin() + static_cast<std::ptrdiff_t>(i * bytes);
  Image image{batch.size, batch.size, {begin, begin + static_cast<std::ptrdiff_t>(bytes)}};
  if (bgr)
    for (std::size_t k = 0; k < bytes; k += 3) std::swap(image.pixels[k], image.pixels[k + 2]);
  return image;
}

/// "a, b", or the one that is not empty.
std::string joined(const std::string& a, const std::string& b) { return a + (a.empty() || b.empty() ? "" : ", ") + b; }

/// What the loader has done to an image with this random sequence.
std::string applied_to(const PairLoaderOptions& options, Random random) {
  const std::string flip = draw_flip(options.augment, random) ? "mirrored" : "";
  return joined(flip, augment::to_string(augment::draw_plan(options.augment, options.input.size, random)));
}

/// With which label image number `i` is mixed, and in which share.
std::string mixture_of(const Batch& batch, std::size_t i, const ImageSource& list) {
  if (batch.other_labels.empty() || batch.own_share == 1) return "";
  const std::string& other = list.classes()[static_cast<std::size_t>(batch.other_labels[i])];
  return fmt::format("mixed with {:.0f} % {}", 100 * (1 - batch.own_share), other);
}

}  // namespace

std::vector<PreviewBatch> draw_preview(const Config& config, const ImageSource& list, int batches) {
  const int pairs = config.pairs.batch, parts = config.pairs.accumulate;
  if (static_cast<std::size_t>(config.pairs.of_step()) > list.size())
    fail_input("/pairs/batch: {} pairs per step from {} training images; expected at most {}", config.pairs.of_step(),
               list.size(), list.size());
  PairLoaderOptions options = make_loader_options(config);
  options.last_step = (batches + parts - 1) / parts;
  PairLoader loader(list, options);
  PairStream stream(list.labels(), config.pairs, config.seed, list.parts());
  std::vector<PreviewBatch> drawn;
  for (int number = 0; number < batches; ++number) {
    const Batch batch = loader.next();
    PreviewBatch& preview = drawn.emplace_back();
    preview.step = batch.step + 1;
    const auto image = [&](std::uint32_t s, int pair) {
      const std::int64_t position = static_cast<std::int64_t>(number) * pairs + pair;
      const std::size_t i = std::size_t{s} * static_cast<std::size_t>(pairs) + static_cast<std::size_t>(pair);
      return PreviewImage{image_of(batch, i, options.input.bgr),
                          list.classes()[static_cast<std::size_t>(batch.labels[i])],
                          list.name(stream.image(s, position)),
                          joined(applied_to(options, stream.augmentation(s, position)), mixture_of(batch, i, list))};
    };
    for (int pair = 0; pair < pairs; ++pair) preview.pairs.push_back({image(0, pair), image(1, pair), false});
    for (PreviewPair& pair : preview.pairs) pair.same = pair.a.label == pair.b.label;
  }
  return drawn;
}

std::string preview_lines(const std::vector<PreviewBatch>& batches) {
  std::string text;
  const auto line = [](const char* tower, const PreviewImage& image) {
    return fmt::format("  {} {}: {}{}{}\n", tower, image.label, image.path, image.applied.empty() ? "" : ": ",
                       image.applied);
  };
  for (std::size_t b = 0; b < batches.size(); ++b)
    for (std::size_t i = 0; i < batches[b].pairs.size(); ++i) {
      const PreviewPair& pair = batches[b].pairs[i];
      text += fmt::format("batch {}, pair {}: {}\n", b + 1, i + 1, pair.same ? "same" : "different");
      text += line("A", pair.a) + line("B", pair.b);
    }
  return text;
}

}  // namespace tandem::tools
