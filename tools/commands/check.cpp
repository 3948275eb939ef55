// tandem-data check: decodes every image of a data set.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/list/copies.h"
#include "data/list/list_checks.h"
#include "tools/commands/commands.h"

namespace tandem::tools {
namespace {

struct Options {
  std::filesystem::path data;
  std::filesystem::path root;
  std::int64_t max_pixels = kDefaultMaxPixels;
};

/// Prints how many images each class has, what is odd about the list, and each bad image.
int check(const Options& options) {
  constexpr std::size_t kMostReported = 100;
  const ImageList list = ImageList::load(options.data, options.root);
  const std::vector<std::size_t> images = images_per_class(list);
  for (std::size_t c = 0; c < images.size(); ++c) fmt::print("{:6} {:7} {}\n", c, images[c], list.classes()[c]);
  fmt::print("{}\n", list.naming());
  for (const std::string& remark : remarks(list)) fmt::print("{}\n", remark);
  for (const std::string& remark : copy_remarks(list)) fmt::print("{}\n", remark);

  const std::vector<BadImage> bad = find_bad_images(list, 0, kMostReported, options.max_pixels);
  for (const BadImage& image : bad) fmt::print(stderr, "error: {}\n", image.message);
  const char* more = bad.size() == kMostReported ? " or more" : "";
  fmt::print("{} images in {} classes, {}{} bad\n", list.size(), images.size(), bad.size(), more);
  return bad.empty() ? 0 : 2;
}

}  // namespace

Command add_check(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::App* parser = app.add_subcommand("check", "Decode every image of a data set and count the classes");
  parser->add_option("data", options->data, "List file, or folder with one subfolder a class")->required();
  parser->add_option("--root", options->root, "Where the list's paths start (default: the list's folder)");
  parser->add_option("--max-pixels", options->max_pixels, "Refuse images with more pixels")
      ->capture_default_str()
      ->check(CLI::Range(4, 1 << 30));
  return {parser, [options] { return check(*options); }};
}

}  // namespace tandem::tools
