// tandem-data: makes and checks data sets.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/program.h"
#include "data/list/copies.h"
#include "data/list/list_checks.h"
#include "data/synth/dataset.h"
#include "train/preview/preview_command.h"

namespace tandem {
namespace {

struct CheckOptions {
  std::filesystem::path data;
  std::filesystem::path root;
  std::int64_t max_pixels = kDefaultMaxPixels;
};

int synthesise(const synth::DatasetOptions& options) {
  synth::write_dataset(options);
  fmt::print("{}: {} classes, {} training and {} test images of {}x{} pixels\n", options.out.string(), options.classes,
             options.classes * options.train, options.classes * options.test, options.size, options.size);
  return 0;
}

/// Prints how many images each class has, what is odd about the list, and each bad image.
int check(const CheckOptions& options) {
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
}  // namespace tandem

int main(int argc, char** argv) {
  CLI::App app("Makes and checks data sets.", "tandem-data");
  app.require_subcommand(1);

  tandem::synth::DatasetOptions dataset;
  CLI::App* synth = app.add_subcommand("synth", "Draw a data set of product-like objects");
  synth->add_option("--out", dataset.out, "Folder to write")->required();
  synth->add_option("--classes", dataset.classes, "Number of classes, 2 to 12")->capture_default_str();
  synth->add_option("--train", dataset.train, "Training images per class")->capture_default_str();
  synth->add_option("--test", dataset.test, "Test images per class")->capture_default_str();
  synth->add_option("--size", dataset.size, "Height and width in pixels")->capture_default_str();
  synth->add_option("--seed", dataset.seed, "Another seed draws other images")->capture_default_str();

  tandem::CheckOptions checked;
  CLI::App* check = app.add_subcommand("check", "Decode every image of a data set and count the classes");
  check->add_option("data", checked.data, "List file, or folder with one subfolder a class")->required();
  check->add_option("--root", checked.root, "Where the list's paths start (default: the list's folder)");
  check->add_option("--max-pixels", checked.max_pixels, "Refuse images with more pixels")
      ->capture_default_str()
      ->check(CLI::Range(4, 1 << 30));

  const std::function<int()> preview = tandem::add_preview_command(app);

  return tandem::run_program(app, argc, argv, [&] {
    if (app.got_subcommand("preview")) return preview();
    return synth->parsed() ? tandem::synthesise(dataset) : tandem::check(checked);
  });
}
