// tandem-data dedupe: a list without what is there twice.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/error.h"
#include "tools/commands/commands.h"
#include "tools/lists/cleaning.h"
#include "tools/lists/list_files.h"

namespace tandem::tools {
namespace {

struct Options {
  std::filesystem::path data, root, out;
  bool exact = false;
  int max_pixels = static_cast<int>(kDefaultMaxPixels);
};

int dedupe(const Options& o) {
  check_list_place("--out", o.out, {o.data});
  const Parts parts({o.data}, o.root);
  const Photos photos = read_photos(parts, {.max_pixels = o.max_pixels, .fingerprints = !o.exact});
  const Findings findings = find(parts, photos);
  const Cleaning cleaning = clean(parts, photos, findings);
  for (const std::string& remark : cleaning.remarks) fmt::print("{}\n", remark);
  if (cleaning.kept.empty()) fail_input("{}: no image is left", parts.list(0).source());
  write_lists(parts, {{o.out, cleaning.kept}});
  fmt::print("written: {}, {} of {} images\n", o.out.string(), cleaning.kept.size(), parts.size());
  return 0;
}

}  // namespace

Command add_dedupe(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::App* parser = app.add_subcommand(
      "dedupe", "Write a list with the largest of each picture's copies, and none of those whose labels contradict");
  parser->add_option("data", options->data, "List file, or folder with one subfolder a class")->required();
  parser->add_option("--root", options->root, "Where the list's paths start (default: the list's folder)");
  parser->add_option("--out", options->out, "The list to write; no file is deleted")->required();
  parser->add_flag("--exact", options->exact, "Equal files only, no near duplicates");
  parser->add_option("--max-pixels", options->max_pixels, "Refuse images with more pixels")
      ->capture_default_str()
      ->check(CLI::Range(4, 1 << 30));
  return {parser, [options] { return dedupe(*options); }};
}

}  // namespace tandem::tools
