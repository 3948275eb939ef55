#include <fmt/format.h>

#include <algorithm>

#include "tools/report/report.h"

namespace tandem::tools {
namespace {

constexpr std::size_t kMostShown = 20;

std::string classes_text(const Parts& parts) {
  std::vector<std::vector<std::size_t>> images;
  for (std::size_t p = 0; p < parts.count(); ++p) images.push_back(parts.images_per_class(p));
  std::string text;
  for (std::size_t c = 0; c < parts.classes().size(); ++c) {
    text += fmt::format("{:6}", c);
    for (const auto& part : images) text += fmt::format(" {:7}", part[c]);
    text += fmt::format(" {}\n", parts.classes()[c]);
  }
  return text;
}

std::string copy_text(const Parts& parts, const SamePicture& same) {
  std::string text = same.exact ? "  the same file:" : "  the same picture:";
  for (const std::size_t i : same.images)
    text += fmt::format(" {}{}", parts.name(i), same.contradicts ? fmt::format(" '{}'", parts.class_of(i)) : "") +
            (i == same.images.back() ? "\n" : ",");
  return text;
}

/// A line that counts, and the first of those that are counted.
template <class Wanted>
std::string copies_text(const Report& report, std::size_t count, const std::string& what, const Wanted& wanted) {
  if (count == 0) return {};
  std::string text = fmt::format("{}: {}\n", what, count);
  std::size_t shown = 0;
  for (const SamePicture& same : report.findings.copies) {
    if (!wanted(same)) continue;
    if (shown++ == kMostShown) return text + fmt::format("  and {} more\n", count - kMostShown);
    text += copy_text(report.parts, same);
  }
  return text;
}

}  // namespace

std::string report_text(const Report& report) {
  const Findings& findings = report.findings;
  const CopyCounts counts = count_copies(findings.copies);
  std::string text = classes_text(report.parts);
  for (std::size_t p = 0; p < report.parts.count(); ++p) text += report.parts.list(p).naming() + "\n";
  for (const std::string& remark : findings.remarks) text += remark + "\n";
  text += copies_text(report, counts.contradictions, "warning: pictures with two labels",
                      [](const SamePicture& same) { return same.contradicts; });
  text += copies_text(report, counts.leaks, "warning: pictures in two parts",
                      [](const SamePicture& same) { return same.leaks; });
  const auto in_one_place = [](const SamePicture& same) { return !same.contradicts && !same.leaks; };
  const auto rest =
      static_cast<std::size_t>(std::count_if(findings.copies.begin(), findings.copies.end(), in_one_place));
  text += copies_text(report, rest, "other pictures that are there more than once", in_one_place);
  if (!findings.outliers.empty()) text += fmt::format("unlike their class: {}\n", findings.outliers.size());
  for (std::size_t k = 0; k < std::min(kMostShown, findings.outliers.size()); ++k) {
    const Outlier& one = findings.outliers[k];
    text += fmt::format("  {} '{}': {:.1f} deviations; the nearest is {} '{}'\n", report.parts.name(one.image),
                        report.parts.class_of(one.image), one.score, report.parts.name(one.nearest_image),
                        report.parts.class_of(one.nearest_image));
  }
  return text;
}

std::string distributions_text(const std::vector<Distribution>& all) {
  std::string text;
  for (const Distribution& one : all) {
    text += one.title + ":";
    for (const Distribution::Bar& bar : one.bars)
      if (bar.images > 0) text += fmt::format("  {}: {}", bar.label, bar.images);
    text += "\n";
  }
  return text;
}

}  // namespace tandem::tools
