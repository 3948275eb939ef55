// The browser's page of a preview: images within it, so that it opens from anywhere.

#include <fmt/format.h>

#include "data/augment/plan.h"
#include "data/image/codec/codec.h"
#include "io/html.h"
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

std::string figure(const char* tower, const PreviewImage& image) {
  return fmt::format(
      "<figure><img alt=\"{0}\" src=\"{1}\"><figcaption>{2}: <b>{0}</b>\n"
      "<small>{3}</small><small>{4}</small></figcaption></figure>\n",
      html_escaped(image.label), png_data_uri(codec_encode_png(image.pixels)), tower, html_escaped(image.path),
      html_escaped(image.applied.empty() ? "not varied" : image.applied));
}

}  // namespace

std::string preview_page(const Config& config, const ImageSource& list, const std::vector<PreviewBatch>& batches) {
  std::string page = kHead;
  page += fmt::format(
      "<h1>What the network sees</h1>\n<p>{}: {} images in {} classes.<br>{} pairs a batch, {}&times;{} pixels, seed "
      "{}.<br>"
      "Augmentation: {}. The crop of an image is not named below it.</p>\n"
      "<p>Green: the two images have the same label. Orange: different ones.</p>\n",
      html_escaped(list.source()), list.size(), list.classes().size(), config.pairs.batch, config.data.image_size,
      config.data.image_size, config.seed, html_escaped(augment::describe(config.data.augment)));
  for (std::size_t b = 0; b < batches.size(); ++b) {
    page += fmt::format("<h2>Batch {}, of step {}</h2>\n<div class=\"batch\">\n", b + 1, batches[b].step);
    for (const PreviewPair& pair : batches[b].pairs)
      page += fmt::format("<div class=\"pair {0}\" title=\"{0}\">\n{1}{2}</div>\n", pair.same ? "same" : "different",
                          figure("A", pair.a), figure("B", pair.b));
    page += "</div>\n";
  }
  return page.append(kHtmlPageEnd);
}

}  // namespace tandem::tools
