// tandem-data stats: what a data set is made of, and what in it is there twice or in the wrong place.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "tools/commands/commands.h"
#include "tools/commands/study_options.h"

namespace tandem::tools {
namespace {

struct Options {
  StudyOptions study;
  std::string model;
};

int stats(const Options& o) {
  o.study.check();
  const Parts parts(o.study.data, o.study.root);
  std::optional<ModelFile> model;  // read first: a wrong one ends the program before the long part
  if (!o.model.empty()) model.emplace(o.model);
  const Photos photos = read_photos(parts, o.study.reading(true));
  Findings findings = find(parts, photos, static_cast<unsigned>(o.study.threads));
  if (model) findings.outliers = find_outliers(parts, photos, *model, o.study.max_pixels);
  const Report report{parts, photos, findings, o.study.max_pixels};
  fmt::print("{}{}", report_text(report), distributions_text(distributions(photos.facts)));
  return o.study.conclude(report);
}

}  // namespace

Command add_stats(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::App* parser = app.add_subcommand(
      "stats", "Sizes, brightness and cameras of the photos; copies, near duplicates and labels that contradict");
  options->study.add_to(*parser);
  parser->add_option("--model", options->model, "A checkpoint: names images unlike the others of their class");
  return {parser, [options] { return stats(*options); }};
}

}  // namespace tandem::tools
