// tandem-data: makes and checks data sets.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/program.h"
#include "data/list/copies.h"
#include "data/list/list_checks.h"
#include "data/source/convert.h"
#include "data/source/open_source.h"
#include "data/synth/dataset.h"

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
  const std::unique_ptr<const ImageSource> source = open_source({options.data.string(), options.root});
  const ImageSource& list = *source;
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
  check->add_option("data", checked.data, "List, folder with one subfolder a class, or another source")->required();
  check->add_option("--root", checked.root, "Where the list's paths start (default: the list's folder)");
  check->add_option("--max-pixels", checked.max_pixels, "Refuse images with more pixels")
      ->capture_default_str()
      ->check(CLI::Range(4, 1 << 30));

  tandem::ConvertOptions converted;
  CLI::App* convert = app.add_subcommand("convert", "Write a data set as a list with files, tar shards or an LMDB");
  convert->add_option("in", converted.source.path, "Any source: a list, a folder, shards-{000..009}.tar, ...")
      ->required();
  convert->add_option("out", converted.out, "NAME.tar, NAME.lmdb, or a folder for list.txt and its files")->required();
  convert->add_option("--root", converted.source.root, "Where the list's paths start (default: the list's folder)");
  convert->add_option("--split", converted.source.split, "The rows of a table whose column split is this");
  convert->add_option("--shard", converted.shard, "Images a tar shard: NAME-000000.tar, ... (default: one archive)")
      ->check(CLI::Range(1, 1 << 30));

  return tandem::run_program(app, argc, argv, [&] {
    if (convert->parsed()) return tandem::run_convert(converted);
    return synth->parsed() ? tandem::synthesise(dataset) : tandem::check(checked);
  });
}
