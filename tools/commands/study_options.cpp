#include "tools/commands/study_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "io/atomic_file.h"
#include "tools/lists/list_files.h"

namespace tandem::tools {

void StudyOptions::add_to(CLI::App& parser) {
  parser.add_option("data", data, "List files, or folders with one subfolder a class: the parts of a data set")
      ->required();
  parser.add_option("--root", root, "Where the lists' paths start (default: each list's folder)");
  parser.add_option("--max-pixels", max_pixels, "Refuse images with more pixels")
      ->capture_default_str()
      ->check(CLI::Range(4, 1 << 30));
  parser.add_option("--threads", threads, "Threads (default: one per core)")->check(CLI::Range(1, 1024));
  parser.add_option("--json", json, "Write what was found to this file, for programs");
  parser.add_option("--report", html, "Write what was found to this file, for a browser");
  parser.add_flag("--strict", strict, "A picture with two labels adds 8 to the exit status, one in two parts 16");
}

void StudyOptions::check() const {
  for (const auto& [name, path] : {std::pair("--json", json), std::pair("--report", html)})
    if (!path.empty()) check_list_place(name, path, data);
}

int StudyOptions::conclude(const Report& report) const {
  constexpr std::size_t kMostReported = 100;
  for (const std::filesystem::path path : {json, html})
    if (!path.parent_path().empty()) require_writable_folder(path.parent_path());
  if (!json.empty())
    write_file_atomically(json,
                          report_json(report).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  if (!html.empty()) write_file_atomically(html, report_html(report));
  const std::vector<std::size_t>& bad = report.findings.bad;
  for (std::size_t k = 0; k < std::min(bad.size(), kMostReported); ++k)
    fmt::print(stderr, "error: {}\n", report.photos.facts[bad[k]].error);
  if (bad.size() > kMostReported) fmt::print(stderr, "error: and {} more bad images\n", bad.size() - kMostReported);
  fmt::print("{} images in {} classes, {} bad\n", report.parts.size(), report.parts.classes().size(), bad.size());
  for (const std::string& path : {json, html})
    if (!path.empty()) fmt::print("written: {}\n", path);
  return exit_status(report.findings, strict);
}

}  // namespace tandem::tools
