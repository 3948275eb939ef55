#include <algorithm>

#include "core/base/error.h"
#include "data/image/codec/codec.h"
#include "data/image/transform.h"
#include "io/html.h"
#include "tools/report/report.h"

namespace tandem::tools {
namespace {

constexpr std::size_t kMostPhotos = 300;
constexpr std::size_t kMostRows = 1000;

/// Small pictures of photos, as long as there are any left to show.
class Thumbnails {
 public:
  explicit Thumbnails(const Report& report) : report_(report) {}
  bool has_room_for(std::size_t photos) const { return left_ >= photos; }
  /// A photo with its name and label.
  std::string figure(std::size_t image, const std::string& remark = {}) {
    const std::string name = html_escaped(report_.parts.name(image));
    return fmt::format("<figure><img src=\"{}\" alt=\"\" title=\"{}\" loading=\"lazy\">{}<br>{}</figure>\n", uri(image),
                       name, name, html_escaped(report_.parts.class_of(image) + remark));
  }

 private:
  std::string uri(std::size_t image) {
    constexpr int kSide = 128;
    left_ -= std::min<std::size_t>(left_, 1);
    try {
      const ImageSample sample = report_.parts.sample(image);
      const Image photo = read_image(sample.path, sample.origin, report_.max_pixels);
      const int longer = std::max(photo.width, photo.height);
      const auto scaled = [&](int side) { return std::clamp(side * kSide / longer, 2, kSide); };
      Image small{scaled(photo.height), scaled(photo.width), {}};
      small.pixels.resize(static_cast<std::size_t>(small.height) * static_cast<std::size_t>(small.width) * 3);
      resize_image(photo, {0, 0, photo.height, photo.width}, small.height, small.width,
                   {0, 0, small.height, small.width}, false, {}, small.pixels);
      return png_data_uri(codec_encode_png(small));
    } catch (const InputError&) {
      return "data:,";  // The file has changed since it was read.
    }
  }

  const Report& report_;
  std::size_t left_ = kMostPhotos;
};

std::string heading(const std::string& title, std::size_t count) {
  return fmt::format("<h2>{} ({})</h2>\n", html_escaped(title), count);
}

std::string not_shown(std::size_t shown, std::size_t all) {
  return shown == all ? "" : fmt::format("<p class=\"note\">{} more are not shown.</p>\n", all - shown);
}

std::string tiles(const Report& report) {
  const CopyCounts counts = count_copies(report.findings.copies);
  std::string text = "<div class=\"tiles\">\n";
  const auto tile = [&](const char* name, std::size_t value) {
    text += fmt::format("<div class=\"tile\">{}<b>{}</b></div>\n", name, value);
  };
  tile("images", report.parts.size());
  tile("classes", report.parts.classes().size());
  tile("bad images", report.findings.bad.size());
  tile("pictures with equal files", counts.exact);
  tile("pictures in files that differ", counts.near);
  tile("pictures with two labels", counts.contradictions);
  if (report.parts.count() > 1) tile("pictures in two parts", counts.leaks);
  if (!report.findings.outliers.empty()) tile("unlike their class", report.findings.outliers.size());
  return text + "</div>\n";
}

std::string classes(const Parts& parts) {
  std::vector<std::vector<std::size_t>> images;
  std::string text = "<h2>Classes</h2>\n<table><tr><th>class</th>";
  std::size_t most = 1;
  for (std::size_t p = 0; p < parts.count(); ++p) {
    images.push_back(parts.images_per_class(p));
    for (const std::size_t count : images.back()) most = std::max(most, count);
    text += fmt::format("<th>{}</th>", html_escaped(parts.list(p).source()));
  }
  text += "<th></th></tr>\n";
  for (std::size_t c = 0; c < parts.classes().size(); ++c) {
    text += fmt::format("<tr><td>{}</td>", html_escaped(parts.classes()[c]));
    for (const auto& part : images) text += fmt::format("<td>{}</td>", part[c]);
    text += fmt::format("<td class=\"text\"><span class=\"bar\" style=\"width:{}px\"></span></td></tr>\n",
                        200 * images.front()[c] / most);
  }
  return text + "</table>\n";
}

std::string histogram(const Distribution& one) {
  constexpr int kHeight = 120, kBar = 82;
  std::size_t most = 1;
  for (const Distribution::Bar& bar : one.bars) most = std::max(most, bar.images);
  std::string text = fmt::format("<h2>{}</h2>\n<svg width=\"{}\" height=\"{}\">\n", html_escaped(one.title),
                                 kBar * static_cast<int>(one.bars.size()), kHeight + 60);
  for (std::size_t i = 0; i < one.bars.size(); ++i) {
    const int x = kBar * static_cast<int>(i), middle = x + kBar / 2;
    const int height = static_cast<int>(kHeight * one.bars[i].images / most), top = 20 + kHeight - height;
    const std::string label = html_escaped(one.bars[i].label);
    text += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"var(--one)\"><title>{}: {}</title></rect>\n", x + 4,
        top, kBar - 8, height, label, one.bars[i].images);
    text +=
        fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", middle, top - 5, one.bars[i].images);
    text += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" style=\"font-size:10px\">{}</text>\n", middle,
                        kHeight + 36, label);
  }
  return text + "</svg>\n";
}

std::string table_of(const Distribution& one) {
  std::string text = fmt::format("<h2>{}</h2>\n<table>\n", html_escaped(one.title));
  for (const Distribution::Bar& bar : one.bars)
    text += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", html_escaped(bar.label), bar.images);
  return text + "</table>\n";
}

std::string bad_images(const Report& report) {
  const std::vector<std::size_t>& bad = report.findings.bad;
  if (bad.empty()) return {};
  const std::size_t shown = std::min(bad.size(), kMostRows);
  std::string text = heading("Bad images", bad.size()) + "<table>\n";
  for (std::size_t k = 0; k < shown; ++k)
    text += fmt::format("<tr><td>{}</td></tr>\n", html_escaped(report.photos.facts[bad[k]].error));
  return text + "</table>\n" + not_shown(shown, bad.size());
}

template <class Wanted>
std::string copies(const Report& report, const std::string& title, Thumbnails& thumbnails, const Wanted& wanted) {
  constexpr std::size_t kMostOfOne = 6;
  std::size_t all = 0, shown = 0;
  std::string text;
  for (const SamePicture& same : report.findings.copies) {
    if (!wanted(same)) continue;
    ++all;
    const std::size_t photos = std::min(same.images.size(), kMostOfOne);
    if (shown + 1 < all || !thumbnails.has_room_for(photos)) continue;
    ++shown;
    text += "<div class=\"photos\">\n";
    for (std::size_t k = 0; k < photos; ++k) text += thumbnails.figure(same.images[k]);
    text += not_shown(photos, same.images.size()) + "</div>\n";
  }
  return all == 0 ? "" : heading(title, all) + text + not_shown(shown, all);
}

std::string outliers(const Report& report, Thumbnails& thumbnails) {
  const std::vector<Outlier>& all = report.findings.outliers;
  if (all.empty()) return {};
  std::string text = heading("Unlike their class, and the nearest image", all.size());
  std::size_t shown = 0;
  for (; shown < all.size() && thumbnails.has_room_for(2); ++shown)
    text += "<div class=\"photos\">\n" +
            thumbnails.figure(all[shown].image, fmt::format(", {:.1f} deviations", all[shown].score)) +
            thumbnails.figure(all[shown].nearest_image) + "</div>\n";
  return text + not_shown(shown, all.size());
}

}  // namespace

std::string report_html(const Report& report) {
  Thumbnails thumbnails(report);
  std::string page = html_page_head("Tandem: data") + "<h1>Data</h1>\n<p class=\"note\">";
  for (std::size_t p = 0; p < report.parts.count(); ++p) page += html_escaped(report.parts.list(p).naming()) + "<br>\n";
  for (const std::string& remark : report.findings.remarks) page += html_escaped(remark) + "<br>\n";
  page += "</p>\n" + tiles(report) + bad_images(report);
  page += copies(report, "Pictures with two labels", thumbnails, [](const auto& same) { return same.contradicts; });
  page += copies(report, "Pictures in two parts", thumbnails,
                 [](const auto& same) { return same.leaks && !same.contradicts; });
  page += outliers(report, thumbnails);
  page += copies(report, "Other pictures that are there more than once", thumbnails,
                 [](const auto& same) { return !same.leaks && !same.contradicts; });
  page += classes(report.parts);
  if (!report.photos.fingerprints.empty())
    for (const Distribution& one : distributions(report.photos.facts))
      page += one.key == "cameras" || one.key == "formats" ? table_of(one) : histogram(one);
  return page + std::string(kHtmlPageEnd);
}

}  // namespace tandem::tools
