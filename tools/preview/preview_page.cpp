// The browser's page of a preview: images within it, so that it opens from anywhere.

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "data/augment/plan.h"
#include "data/image/codec/codec.h"
#include "tools/preview/preview.h"

namespace tandem::tools {
namespace {

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tandem: preview</title>
<meta name="viewport" content="width=device-width">
<style>
 body { font: 14px/1.4 system-ui, sans-serif; color: #222; margin: 1.5rem; }
 h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
 .batch { display: flex; flex-wrap: wrap; gap: .8rem; align-items: flex-start; }
 .pair { display: flex; gap: .3rem; border: 3px solid; border-radius: .4rem; padding: .3rem; }
 .same { border-color: #2e8b57; } .different { border-color: #e07b39; }
 figure { margin: 0; width: 14rem; } figure img { width: 100%; display: block; image-rendering: auto; }
 figcaption { overflow-wrap: anywhere; } small { color: #666; display: block; }
</style></head><body>
)";

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= n ? kDigits[word >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

std::string figure(const char* tower, const PreviewImage& image) {
  return fmt::format(
      "<figure><img alt=\"{0}\" src=\"data:image/png;base64,{1}\"><figcaption>{2}: <b>{0}</b>\n"
      "<small>{3}</small><small>{4}</small></figcaption></figure>\n",
      escaped(image.label), base64(codec_encode_png(image.pixels)), tower, escaped(image.path),
      escaped(image.applied.empty() ? "not varied" : image.applied));
}

}  // namespace

std::string preview_page(const Config& config, const ImageSource& list, const std::vector<PreviewBatch>& batches) {
  std::string page = kHead;
  page += fmt::format(
      "<h1>What the network sees</h1>\n<p>{}: {} images in {} classes.<br>{} pairs a batch, {}&times;{} pixels, seed "
      "{}.<br>"
      "Augmentation: {}. The crop of an image is not named below it.</p>\n"
      "<p>Green: the two images have the same label. Orange: different ones.</p>\n",
      escaped(list.source()), list.size(), list.classes().size(), config.pairs.batch, config.data.image_size,
      config.data.image_size, config.seed, escaped(augment::describe(config.data.augment)));
  for (std::size_t b = 0; b < batches.size(); ++b) {
    page += fmt::format("<h2>Batch {}, of step {}</h2>\n<div class=\"batch\">\n", b + 1, batches[b].step);
    for (const PreviewPair& pair : batches[b].pairs)
      page += fmt::format("<div class=\"pair {0}\" title=\"{0}\">\n{1}{2}</div>\n", pair.same ? "same" : "different",
                          figure("A", pair.a), figure("B", pair.b));
    page += "</div>\n";
  }
  return page + "</body></html>\n";
}

}  // namespace tandem::tools
