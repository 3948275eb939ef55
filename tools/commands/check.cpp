// tandem-data check: decodes every image of a data set.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"
#include "tools/commands/study_options.h"

namespace tandem::tools {
namespace {

/// Prints how many images each class has, what is odd about the lists, and each bad image.
int check(const StudyOptions& options) {
  options.check();
  const Parts parts(options.data, options.root);
  const Photos photos = read_photos(parts, options.reading(false));
  const Findings findings = find(parts, photos, static_cast<unsigned>(options.threads));
  const Report report{parts, photos, findings, options.max_pixels};
  fmt::print("{}", report_text(report));
  return options.conclude(report);
}

}  // namespace

Command add_check(CLI::App& app) {
  const auto options = std::make_shared<StudyOptions>();
  CLI::App* parser =
      app.add_subcommand("check", "Decode every image of a data set, count the classes, find equal files");
  options->add_to(*parser);
  return {parser, [options] { return check(*options); }};
}

}  // namespace tandem::tools
