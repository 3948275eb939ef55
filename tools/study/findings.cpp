#include "tools/study/findings.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "data/list/equal_files.h"
#include "data/list/list_checks.h"
#include "tools/study/counting.h"

namespace tandem::tools {
namespace {

using Groups = std::vector<std::vector<std::size_t>>;

/// Near duplicates among the images, of equal files only the first.
std::vector<NearPair> near_pairs(const Photos& photos, const Groups& equal, unsigned threads) {
  std::vector<bool> is_copy(photos.facts.size());
  for (const auto& group : equal)
    for (std::size_t k = 1; k < group.size(); ++k) is_copy[group[k]] = true;
  std::vector<std::size_t> images;
  std::vector<Fingerprint> pictures;
  for (std::size_t i = 0; i < photos.facts.size(); ++i) {
    if (is_copy[i] || !photos.facts[i].error.empty()) continue;
    images.push_back(i);
    pictures.push_back(photos.fingerprints[i]);
  }
  Counting counting("comparing", pictures.size());
  std::vector<NearPair> pairs = find_near_pairs(pictures, threads, [&] { counting.add(); });
  for (NearPair& pair : pairs) {
    pair.first = images[pair.first];
    pair.second = images[pair.second];
  }
  return pairs;
}

SamePicture described(const Parts& parts, std::vector<std::size_t> images, bool exact) {
  SamePicture same{std::move(images), exact};
  const std::size_t first = same.images.front();
  for (const std::size_t i : same.images) {
    same.contradicts = same.contradicts || parts.label(i) != parts.label(first);
    same.leaks = same.leaks || parts.part_of(i) != parts.part_of(first);
  }
  return same;
}

/// Counts values in the bins that `limits` bound: below the first, from each to the next, from the last on.
class Bins {
 public:
  Bins(std::vector<double> limits, std::vector<std::string> labels)
      : limits_(std::move(limits)), labels_(std::move(labels)), images_(limits_.size() + 1) {}
  void add(double value) {
    ++images_[static_cast<std::size_t>(std::upper_bound(limits_.begin(), limits_.end(), value) - limits_.begin())];
  }
  std::vector<Distribution::Bar> bars() const {
    std::vector<Distribution::Bar> all;
    for (std::size_t i = 0; i < images_.size(); ++i) all.push_back({labels_[i], images_[i]});
    return all;
  }

 private:
  std::vector<double> limits_;
  std::vector<std::string> labels_;
  std::vector<std::size_t> images_;
};

/// The most frequent values first, and in one bar those beyond the first `most`.
std::vector<Distribution::Bar> frequent(const std::map<std::string, std::size_t>& counts, std::size_t most) {
  std::vector<Distribution::Bar> bars;
  bars.reserve(counts.size());
  for (const auto& [label, images] : counts) bars.push_back({label, images});
  std::stable_sort(bars.begin(), bars.end(), [](const auto& a, const auto& b) { return a.images > b.images; });
  if (bars.size() <= most) return bars;
  Distribution::Bar others{fmt::format("{} others", bars.size() - most), 0};
  for (std::size_t i = most; i < bars.size(); ++i) others.images += bars[i].images;
  bars.resize(most);
  bars.push_back(others);
  return bars;
}

}  // namespace

Findings find(const Parts& parts, const Photos& photos, unsigned threads) {
  Findings findings;
  for (std::size_t i = 0; i < photos.facts.size(); ++i)
    if (!photos.facts[i].error.empty()) findings.bad.push_back(i);
  const Groups equal = equal_files(parts.stored(), threads);
  if (!photos.fingerprints.empty()) findings.near = near_pairs(photos, equal, threads);

  Groups sets = equal;
  for (const NearPair& pair : findings.near) sets.push_back({pair.first, pair.second});
  const std::set<std::vector<std::size_t>> exact(equal.begin(), equal.end());
  for (std::vector<std::size_t>& group : joined_groups(parts.size(), sets)) {
    const bool is_exact = exact.count(group) > 0;
    findings.copies.push_back(described(parts, std::move(group), is_exact));
  }
  for (std::size_t p = 0; p < parts.count(); ++p)
    for (std::string& remark : remarks(parts.list(p))) findings.remarks.push_back(std::move(remark));
  return findings;
}

std::vector<Distribution> distributions(const std::vector<Photo>& photos) {
  constexpr std::size_t kMostCameras = 10;
  Bins sides({64, 128, 256, 512, 1024, 2048, 4096},
             {"< 64", "64–127", "128–255", "256–511", "512–1023", "1024–2047", "2048–4095", "≥ 4096"});
  Bins aspects({0.5, 2 / 3.0, 0.8, 1.25, 1.5, 2},
               {"< 1:2", "1:2–2:3", "2:3–4:5", "4:5–5:4", "5:4–3:2", "3:2–2:1", "≥ 2:1"});
  Bins bytes({1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22},
             {"< 4 KiB", "4–16 KiB", "16–64 KiB", "64–256 KiB", "256 KiB–1 MiB", "1–4 MiB", "≥ 4 MiB"});
  Bins brightness(
      {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9},
      {"0–10 %", "10–20 %", "20–30 %", "30–40 %", "40–50 %", "50–60 %", "60–70 %", "70–80 %", "80–90 %", "90–100 %"});
  std::map<std::string, std::size_t> formats, orientations, cameras;
  for (const Photo& photo : photos) {
    if (!photo.error.empty()) continue;
    sides.add(std::min(photo.width, photo.height));
    aspects.add(static_cast<double>(photo.width) / photo.height);
    bytes.add(static_cast<double>(photo.bytes));
    brightness.add(photo.brightness);
    ++formats[format_name(photo.format)];
    ++orientations[std::to_string(photo.orientation)];
    ++cameras[photo.camera.empty() ? "none named" : photo.camera];
  }
  return {{"formats", "Formats", frequent(formats, kMostCameras)},
          {"shorter_side", "Shorter side, pixels", sides.bars()},
          {"aspect_ratio", "Width to height", aspects.bars()},
          {"bytes", "File size", bytes.bars()},
          {"brightness", "Brightness: mean grey", brightness.bars()},
          {"orientation", "EXIF orientation", frequent(orientations, 8)},
          {"cameras", "Cameras", frequent(cameras, kMostCameras)}};
}

CopyCounts count_copies(const std::vector<SamePicture>& copies) {
  CopyCounts counts;
  for (const SamePicture& same : copies) {
    ++(same.exact ? counts.exact : counts.near);
    counts.contradictions += same.contradicts ? 1 : 0;
    counts.leaks += same.leaks ? 1 : 0;
  }
  return counts;
}

int exit_status(const Findings& findings, bool strict) {
  constexpr int kBadImages = 2, kContradictions = 8, kLeaks = 16;
  const CopyCounts counts = count_copies(findings.copies);
  return (findings.bad.empty() ? 0 : kBadImages) + (strict && counts.contradictions > 0 ? kContradictions : 0) +
         (strict && counts.leaks > 0 ? kLeaks : 0);
}

}  // namespace tandem::tools
