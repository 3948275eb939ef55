#pragma once
// What check and stats share: the parts they read, and where the report goes.

#include <filesystem>
#include <string>
#include <vector>

#include "tools/report/report.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace tandem::tools {

struct StudyOptions {
  std::vector<std::filesystem::path> data;
  std::filesystem::path root;
  int max_pixels = static_cast<int>(kDefaultMaxPixels);
  int threads = 0;
  bool strict = false;
  std::string json, html;

  void add_to(CLI::App& parser);
  /// InputError for a report that cannot be written; before anything long is done.
  void check() const;
  ReadingOptions reading(bool fingerprints) const { return {max_pixels, static_cast<unsigned>(threads), fingerprints}; }
  /// Writes the reports that were asked for, prints the bad images on standard error and the last line, and returns the
  /// exit status.
  int conclude(const Report& report) const;
};

}  // namespace tandem::tools
