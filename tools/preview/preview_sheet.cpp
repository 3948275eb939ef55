#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "tools/preview/preview.h"

namespace tandem::tools {
namespace {

// Pixels.
constexpr int kFrame = 3, kGap = 6, kWidest = 2000;

using Color = std::array<std::uint8_t, 3>;
constexpr Color kSame{0x2E, 0x8B, 0x57}, kDifferent{0xE0, 0x7B, 0x39};

void fill(Image& sheet, int top, int left, int height, int width, const Color& color) {
  for (int y = top; y < top + height; ++y)
    for (int x = left; x < left + width; ++x) std::copy(color.begin(), color.end(), sheet.row(y) + x * 3);
}

void paste(const Image& image, Image& sheet, int top, int left) {
  for (int y = 0; y < image.height; ++y)
    std::copy_n(image.row(y), static_cast<std::size_t>(image.width) * 3, sheet.row(top + y) + left * 3);
}

/// How pairs of images of `size` pixels a side are laid out.
struct Layout {
  int size, cell_width, cell_height, columns;

  Layout(int side, int pairs)
      : size(side),
        cell_width(2 * side + 3 * kFrame + kGap),
        cell_height(side + 2 * kFrame + kGap),
        columns(std::clamp((kWidest - kGap) / cell_width, 1, std::max(1, pairs))) {}
  int rows(std::size_t pairs) const { return (static_cast<int>(pairs) + columns - 1) / columns; }
};

}  // namespace

Image preview_sheet(const std::vector<PreviewBatch>& batches) {
  constexpr std::int64_t kMostPixels = 1 << 28;
  require(!batches.empty() && !batches.front().pairs.empty(), "preview: nothing to show");
  const auto& first = batches.front().pairs;
  const Layout layout(first.front().a.pixels.width, static_cast<int>(first.size()));
  int rows = 0;
  for (const PreviewBatch& batch : batches) rows += layout.rows(batch.pairs.size());
  const std::int64_t width = kGap + static_cast<std::int64_t>(layout.columns) * layout.cell_width,
                     height = kGap * static_cast<std::int64_t>(batches.size()) +
                              static_cast<std::int64_t>(rows) * layout.cell_height;
  if (width * height > kMostPixels)
    fail_input("a picture of {}x{} pixels: expected at most {} in all: show fewer batches, or write .html", width,
               height, kMostPixels);
  Image sheet{static_cast<int>(height), static_cast<int>(width), {}};
  sheet.pixels.assign(static_cast<std::size_t>(width * height) * 3, 255);
  int top = kGap;
  for (const PreviewBatch& batch : batches) {
    for (std::size_t i = 0; i < batch.pairs.size(); ++i) {
      const PreviewPair& pair = batch.pairs[i];
      const int y = top + static_cast<int>(i) / layout.columns * layout.cell_height,
                x = kGap + static_cast<int>(i) % layout.columns * layout.cell_width;
      fill(sheet, y, x, layout.cell_height - kGap, layout.cell_width - kGap, pair.same ? kSame : kDifferent);
      paste(pair.a.pixels, sheet, y + kFrame, x + kFrame);
      paste(pair.b.pixels, sheet, y + kFrame, x + 2 * kFrame + layout.size);
    }
    top += layout.rows(batch.pairs.size()) * layout.cell_height + kGap;
  }
  return sheet;
}

}  // namespace tandem::tools
