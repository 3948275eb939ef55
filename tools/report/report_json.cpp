#include "tools/report/report.h"

namespace tandem::tools {
namespace {

using Json = nlohmann::ordered_json;

Json image_json(const Parts& parts, std::size_t image) {
  const ImageSample sample = parts.sample(image);
  return {{"path", sample.path},
          {"origin", sample.origin},
          {"part", parts.list(parts.part_of(image)).source()},
          {"label", parts.class_of(image)}};
}

Json classes_json(const Parts& parts) {
  Json all = Json::array();
  std::vector<std::vector<std::size_t>> images;
  for (std::size_t p = 0; p < parts.count(); ++p) images.push_back(parts.images_per_class(p));
  for (std::size_t c = 0; c < parts.classes().size(); ++c) {
    Json counts = Json::array();
    for (const auto& part : images) counts.push_back(part[c]);
    all.push_back({{"name", parts.classes()[c]}, {"images", counts}});
  }
  return all;
}

Json copies_json(const Report& report) {
  Json all = Json::array();
  for (const SamePicture& same : report.findings.copies) {
    Json images = Json::array();
    for (const std::size_t i : same.images) images.push_back(image_json(report.parts, i));
    all.push_back({{"kind", same.exact ? "exact" : "near"},
                   {"two_labels", same.contradicts},
                   {"two_parts", same.leaks},
                   {"images", images}});
  }
  return all;
}

}  // namespace

Json report_json(const Report& report) {
  const Parts& parts = report.parts;
  const Findings& findings = report.findings;
  const CopyCounts counts = count_copies(findings.copies);
  Json data = Json::array(), bad = Json::array(), near = Json::array(), outliers = Json::array();
  for (std::size_t p = 0; p < parts.count(); ++p)
    data.push_back(
        {{"source", parts.list(p).source()}, {"images", parts.list(p).size()}, {"naming", parts.list(p).naming()}});
  for (const std::size_t i : findings.bad) {
    Json one = image_json(parts, i);
    one["reason"] = report.photos.facts[i].error;
    bad.push_back(one);
  }
  for (const NearPair& pair : findings.near)
    near.push_back({{"first", parts.sample(pair.first).path},
                    {"second", parts.sample(pair.second).path},
                    {"likeness", pair.likeness},
                    {"mirrored", pair.mirrored}});
  for (const Outlier& one : findings.outliers) {
    Json image = image_json(parts, one.image);
    image["score"] = one.score;
    image["nearest"] = image_json(parts, one.nearest_image);
    outliers.push_back(image);
  }
  Json json = {{"parts", data},
               {"images", parts.size()},
               {"classes", classes_json(parts)},
               {"counts",
                {{"bad", findings.bad.size()},
                 {"exact_copies", counts.exact},
                 {"near_copies", counts.near},
                 {"two_labels", counts.contradictions},
                 {"two_parts", counts.leaks},
                 {"outliers", findings.outliers.size()}}},
               {"remarks", findings.remarks},
               {"bad", bad},
               {"copies", copies_json(report)},
               {"near_pairs", near},
               {"outliers", outliers}};
  if (report.photos.fingerprints.empty()) return json;
  for (const Distribution& one : distributions(report.photos.facts)) {
    Json bars = Json::array();
    for (const Distribution::Bar& bar : one.bars) bars.push_back({{"value", bar.label}, {"images", bar.images}});
    json["distributions"][one.key] = bars;
  }
  return json;
}

}  // namespace tandem::tools
